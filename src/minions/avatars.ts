import { catalogOf } from "../catalog/service.ts";
import type { Ctx } from "../context.ts";
import { commit, assertAllInTransaction } from "../kit/db/commit.ts";
import { constraintOf } from "../kit/db/errors.ts";
import { storePicture } from "../kit/storage/avatars.ts";
import {
  updateMinionStatement,
  minionExists,
  lockOwnerAndMinion,
  ownMinion,
  selectMinions,
  type MinionWithCatalog,
  type MinionRow,
} from "./queries.ts";
import { minions } from "./tables.ts";

/**
 * Stores an avatar of a minion. One Postgres round trip.
 * @throws unsupported_media_type if the content is not an image; not_found, files_unavailable
 */
export async function putAvatar(ctx: Ctx, userId: number, minionId: number, bytes: Uint8Array): Promise<MinionWithCatalog> {
  const key = await storePicture(ctx.env.FILES, userId, String(minionId), bytes);
  try {
    return await replaceAvatar(ctx, userId, minionId, key);
  } catch (error) {
    // The minion does not belong to the user, so nothing refers to the file.
    if (constraintOf(error) === "minion_not_found") ctx.waitUntil(ctx.env.FILES.delete(key).catch(() => undefined));
    throw error;
  }
}

/** Replaces or removes the avatar of a minion. Deletes the old file after the reply. One round trip. @throws not_found */
export async function replaceAvatar(
  ctx: Ctx,
  userId: number,
  minionId: number,
  key: string | null,
): Promise<MinionWithCatalog> {
  const catalog = await catalogOf(ctx);
  const ownedMinion = ownMinion(userId, minionId);
  const results = await commit(ctx, [
    ...lockOwnerAndMinion(ctx, userId, minionId),
    assertAllInTransaction(ctx.db, { minion_not_found: minionExists(userId, minionId) }),
    ctx.db.select({ key: minions.avatar_key }).from(minions).where(ownedMinion),
    updateMinionStatement(ctx, userId, minionId, { avatar_key: key }),
    selectMinions(ctx, userId, ownedMinion),
  ]);
  const [before] = results.at(-3) as { key: string | null }[];
  if (before?.key != null) ctx.waitUntil(ctx.env.FILES.delete(before.key).catch(() => undefined));
  return { catalog, row: (results.at(-1) as MinionRow[])[0]! };
}
