import { sha256Short, newSecret } from "../crypto/hash.ts";
import { AppError } from "../errors.ts";
import { deleteByPrefix, withR2Errors } from "./r2.ts";
import { imageKind, imageTypes } from "./image-type.ts";

/** Pictures of users' things in R2, each at an address of its own that never shows another. */

/** The largest picture, in bytes. */
export const maxPictureBytes = 2 * 1024 * 1024;

/** Where a user's pictures are in R2: theirs go with them. */
const picturesOf = (userId: number) => `users/${userId}/avatars/`;

const pictureKey = (userId: number, file: string) => picturesOf(userId) + file;

/** The names that `storePicture` gives. */
export const pictureName = /^(?:[a-z]{1,20}-)?\d{1,10}-[\w-]{28}\.(?:png|jpg|gif|webp)$/;

/** Where clients get a picture that is kept under a key. Its name holds its content's hash, so what is there never changes. */
export function pictureUrl(key: string | null): string | null {
  const [, userId, , file] = key?.split("/") ?? [];
  return file === undefined ? null : `/api/v2/avatars/${userId}/${file}`;
}

/**
 * Keeps a picture of a user's thing, such as `model-7`.
 * @returns the key it is under
 * @throws unsupported_media_type for what is no picture by its content; files_unavailable
 */
export async function storePicture(files: R2Bucket, userId: number, thing: string, bytes: Uint8Array): Promise<string> {
  const kind = imageKind(bytes);
  if (kind === undefined)
    throw new AppError("unsupported_media_type", `The file must be one of these types: ${imageTypes.join(", ")}.`);
  // A file is one upload's, so that deleting the one before never meets the same picture put again.
  const name = `${thing}-${await sha256Short(bytes)}${newSecret().slice(0, 6)}`;
  const key = pictureKey(userId, `${name}.${kind.extension}`);
  await withR2Errors(files.put(key, bytes, { httpMetadata: { contentType: kind.type } }));
  return key;
}

/** A picture, for whoever knows its name. @throws not_found, files_unavailable */
export async function readPicture(files: R2Bucket, userId: number, file: string): Promise<R2ObjectBody> {
  const found = await withR2Errors(files.get(pictureKey(userId, file)));
  if (found === null) throw new AppError("not_found", "Picture not found.");
  return found;
}

/** Deletes all pictures of a user. */
export function deletePictures(files: R2Bucket, userId: number): Promise<void> {
  return deleteByPrefix(files, picturesOf(userId));
}
