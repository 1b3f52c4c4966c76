import { AppError } from "../errors.ts";

/** Runs an operation of R2. @throws files_unavailable if it fails */
export async function withR2Errors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new AppError("files_unavailable", "The file storage does not answer. Try again.", { cause });
  }
}

/** Deletes every object with a key prefix. It can be repeated. @throws files_unavailable */
export async function deleteByPrefix(files: R2Bucket, prefix: string): Promise<void> {
  for (;;) {
    const { objects, truncated } = await withR2Errors(files.list({ prefix }));
    if (objects.length > 0) await withR2Errors(files.delete(objects.map(({ key }) => key)));
    if (!truncated) return;
  }
}
