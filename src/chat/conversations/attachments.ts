import type { Ctx } from "../../context.ts";
import { AppError } from "../../kit/errors.ts";
import { withR2Errors } from "../../kit/storage/r2.ts";
import { imageKind } from "../../kit/storage/image-type.ts";
import { toPostgresText } from "../../kit/db/text.ts";
import { imageTypes } from "../../agent/constants.ts";
import type { Attachment } from "../../agent/types.ts";
import { originsOf } from "./fork.ts";
import { callerOf, callRoom } from "../room/client.ts";
import { getConversation } from "../queries.ts";
import { filesOf } from "../room/attachment-keys.ts";

/** Maximum size of a file, in bytes. */
export const maxAttachmentBytes = 5 * 1024 * 1024;

/** Maximum characters of a file's name. */
const maxNameLength = 120;

/**
 * Stores a file for a message that will be sent later. One Postgres round trip.
 * @param name the file name, if the upload has one
 * @throws not_found; unsupported_media_type if the file is neither a supported image nor text; files_unavailable; realtime_unavailable; the
 *   errors of the room
 */
export async function putAttachment(
  ctx: Ctx,
  userId: number,
  conversationId: number,
  { bytes, name = "file" }: { bytes: Uint8Array; name?: string | undefined },
): Promise<Attachment> {
  const media_type = mediaTypeOf(bytes);
  await getConversation(ctx, userId, conversationId);
  const id = crypto.randomUUID();
  const attachment: Attachment = {
    id,
    key: filesOf(userId, conversationId) + id,
    name: nameOf(name),
    media_type,
    size: bytes.length,
  };
  const customMetadata = { name: encodeURIComponent(attachment.name) };
  await withR2Errors(ctx.env.FILES.put(attachment.key, bytes, { httpMetadata: { contentType: media_type }, customMetadata }));
  try {
    return await callRoom(ctx, conversationId, (room) => room.attach(callerOf(ctx, userId), attachment));
  } catch (error) {
    // If this fails, the file is deleted with its conversation.
    ctx.waitUntil(ctx.env.FILES.delete(attachment.key).catch(() => undefined));
    throw error;
  }
}

/**
 * Opens a file of a user's conversation, or of the conversations it was forked from. The R2 key contains the owner, so Postgres is not
 * needed; one round trip if the file belongs to an origin.
 * @throws not_found, files_unavailable
 */
export async function openAttachment(
  ctx: Ctx,
  userId: number,
  { conversationId, id }: { conversationId: number; id: string },
): Promise<{ name: string; object: R2ObjectBody }> {
  const find = (fromConversationId: number) => withR2Errors(ctx.env.FILES.get(filesOf(userId, fromConversationId) + id));
  let object = await find(conversationId);
  if (object === null) {
    const { rows } = await ctx.db.execute<{ id: number }>(originsOf(userId, conversationId));
    for (const origin of rows) object ??= await find(origin.id);
  }
  if (object === null) throw new AppError("not_found", "File not found in this conversation.");
  return { name: decodeURIComponent(object.customMetadata?.["name"] ?? "file"), object };
}

/** Detects the media type from the content. @throws unsupported_media_type */
function mediaTypeOf(bytes: Uint8Array): Attachment["media_type"] {
  const kind = imageKind(bytes);
  if (kind !== undefined) return kind.type;
  if (bytes.length > 0 && isText(bytes)) return "text/plain";
  throw new AppError("unsupported_media_type", `The file type is not supported. Use ${imageTypes.join(", ")}, or UTF-8 text.`);
}

function isText(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

// oxlint-disable-next-line no-control-regex -- matches them to replace them
const unprintable = /[\u0000-\u001f\u007f/\\]+/g;

const nameOf = (name: string): string =>
  toPostgresText(name).replace(unprintable, " ").trim().slice(0, maxNameLength).toWellFormed() || "file";
