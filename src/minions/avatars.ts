import { catalogOf } from "../catalog/service.ts";
import type { Ctx } from "../context.ts";
import { contentHash, newSecret } from "../kit/crypto.ts";
import { commit, constraintOf, refuseUnlessAll } from "../kit/db.ts";
import { AppError } from "../kit/errors.ts";
import { imageKind, imageTypes } from "../kit/images.ts";
import { avatarKey, picturesOf } from "./avatar-urls.ts";
import { edited, isThere, lock } from "./equipping.ts";
import type { Found } from "./loadout.ts";
import { itself, selectMinions, type MinionRow } from "./rows.ts";
import { minions } from "./tables.ts";

/** The largest picture, in bytes. */
export const maxAvatarBytes = 2 * 1024 * 1024;

/** @throws files_unavailable where the work fails */
async function inStore<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new AppError("files_unavailable", "The file store does not answer.", { cause });
  }
}

/**
 * Gives a minion a picture. One Postgres round trip.
 * @throws unsupported_media_type for what is no picture by its content; not_found, files_unavailable
 */
export async function putAvatar(ctx: Ctx, userId: number, minionId: number, bytes: Uint8Array): Promise<Found> {
  const kind = imageKind(bytes);
  if (kind === undefined) throw new AppError("unsupported_media_type", `The file is none of ${imageTypes.join(", ")}.`);
  // A file is one upload's, so that deleting the one before never meets the same picture put again.
  const name = `${minionId}-${await contentHash(bytes)}${newSecret().slice(0, 6)}`;
  const key = avatarKey(userId, `${name}.${kind.extension}`);
  await inStore(ctx.env.FILES.put(key, bytes, { httpMetadata: { contentType: kind.type } }));
  try {
    return await replaceAvatar(ctx, userId, minionId, key);
  } catch (error) {
    // Nobody shows the picture of a minion that is not theirs.
    if (constraintOf(error) === "minion_not_found") ctx.defer(ctx.env.FILES.delete(key).catch(() => undefined));
    throw error;
  }
}

/** Gives a minion another picture, or none; the file of the one before goes behind the reply. One round trip. @throws not_found */
export async function replaceAvatar(ctx: Ctx, userId: number, minionId: number, key: string | null): Promise<Found> {
  const catalog = await catalogOf(ctx);
  const its = itself(userId, minionId);
  const results = await commit(ctx, [
    ...lock(ctx, userId, minionId),
    refuseUnlessAll(ctx.db, { minion_not_found: isThere(userId, minionId) }),
    ctx.db.select({ key: minions.avatar_key }).from(minions).where(its),
    edited(ctx, userId, minionId, { avatar_key: key }),
    selectMinions(ctx, userId, its),
  ]);
  const [before] = results.at(-3) as { key: string | null }[];
  if (before?.key != null) ctx.defer(ctx.env.FILES.delete(before.key).catch(() => undefined));
  return { catalog, row: (results.at(-1) as MinionRow[])[0]! };
}

/** A picture, for whoever knows its name. @throws not_found, files_unavailable */
export async function readAvatar(ctx: Ctx, userId: number, file: string): Promise<R2ObjectBody> {
  const found = await inStore(ctx.env.FILES.get(avatarKey(userId, file)));
  if (found === null) throw new AppError("not_found", "There is no such picture.");
  return found;
}

/** Deletes all pictures of a user. */
export async function deletePictures(ctx: Ctx, userId: number): Promise<void> {
  for (;;) {
    const { objects, truncated } = await inStore(ctx.env.FILES.list({ prefix: picturesOf(userId) }));
    if (objects.length > 0) await inStore(ctx.env.FILES.delete(objects.map(({ key }) => key)));
    if (!truncated) return;
  }
}
