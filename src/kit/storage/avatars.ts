import { sha256Short, newSecret } from "../crypto/hash.ts";
import { AppError } from "../errors.ts";
import { deleteByPrefix, withR2Errors } from "./r2.ts";
import { imageKind, imageTypes } from "./image-type.ts";

/** Avatars in R2. Each one has its own URL, which never shows another picture. */

/** The largest picture, in bytes. */
export const maxPictureBytes = 2 * 1024 * 1024;

/** The prefix of a user's pictures in R2. They are deleted with the user. */
const picturesOf = (userId: number) => `users/${userId}/avatars/`;

const pictureKey = (userId: number, file: string) => picturesOf(userId) + file;

/** The file names of stored pictures. */
export const pictureName = /^(?:[a-z]{1,20}-)?\d{1,10}-[\w-]{28}\.(?:png|jpg|gif|webp)$/;

/** The URL of a stored picture. The name contains a hash of the content, so the content never changes. */
export function pictureUrl(key: string | null): string | null {
  const [, userId, , file] = key?.split("/") ?? [];
  return file === undefined ? null : `/api/v2/avatars/${userId}/${file}`;
}

/**
 * Stores the avatar of a resource, such as `model-7`.
 * @returns its key
 * @throws unsupported_media_type if the content is not a supported image; files_unavailable
 */
export async function storePicture(files: R2Bucket, userId: number, thing: string, bytes: Uint8Array): Promise<string> {
  const kind = imageKind(bytes);
  if (kind === undefined)
    throw new AppError("unsupported_media_type", `The file must be one of these types: ${imageTypes.join(", ")}.`);
  // Each upload has its own file, so deleting the previous one never deletes a picture that was uploaded again.
  const name = `${thing}-${await sha256Short(bytes)}${newSecret().slice(0, 6)}`;
  const key = pictureKey(userId, `${name}.${kind.extension}`);
  await withR2Errors(files.put(key, bytes, { httpMetadata: { contentType: kind.type } }));
  return key;
}

/** Reads a picture. Anyone who knows its name can read it. @throws not_found, files_unavailable */
export async function readPicture(files: R2Bucket, userId: number, file: string): Promise<R2ObjectBody> {
  const found = await withR2Errors(files.get(pictureKey(userId, file)));
  if (found === null) throw new AppError("not_found", "Picture not found.");
  return found;
}

/** Deletes all pictures of a user. */
export function deletePictures(files: R2Bucket, userId: number): Promise<void> {
  return deleteByPrefix(files, picturesOf(userId));
}
