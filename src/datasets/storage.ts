import { AppError } from "../kit/errors.ts";
import { withR2Errors } from "../kit/storage/r2.ts";
import { streamFromGenerator } from "../kit/async/streams.ts";
import type { ByteSource } from "./formats/types.ts";
import type { StoredFile } from "./tables.ts";

/** The R2 prefix of all datasets of a user, deleted with the user. */
export const foldersOf = (userId: number): string => `users/${userId}/datasets/`;

/** A new R2 prefix for a dataset. */
export const newFolder = (userId: number): string => `${foldersOf(userId)}${crypto.randomUUID()}/`;

export const rowsKey = (folder: string, part: number): string => `${folder}rows/${String(part).padStart(6, "0")}.jsonl`;

/** The concatenated files of a dataset. Its methods throw not_found, files_unavailable. */
export function storedSource(bucket: R2Bucket, files: readonly StoredFile[]): ByteSource {
  return {
    size: files.reduce((sum, { size }) => sum + size, 0),
    stream: async () => joined(bucket, files),
    async read(start, end) {
      const bytes = new Uint8Array(Math.max(0, end - start));
      let offset = 0;
      for (const { key, size } of files) {
        const [from, to] = [Math.max(start, offset), Math.min(end, offset + size)];
        if (from < to) {
          const object = await objectAt(bucket, key, { range: { offset: from - offset, length: to - from } });
          bytes.set(new Uint8Array(await withR2Errors(object.arrayBuffer())), from - start);
        }
        offset += size;
      }
      return bytes.buffer;
    },
  };
}

/** Streams the files one after the other. Each file is opened when it is needed. */
function joined(bucket: R2Bucket, files: readonly StoredFile[]): ReadableStream<Uint8Array> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const { key } of files) {
      const { body } = await objectAt(bucket, key);
      const reader = (body as ReadableStream<Uint8Array>).getReader();
      try {
        for (;;) {
          const { done, value } = await withR2Errors(reader.read());
          if (done) break;
          yield value;
        }
      } finally {
        await reader.cancel().catch(() => undefined);
      }
    }
  }
  return streamFromGenerator(chunks());
}

/** @throws not_found, files_unavailable */
export async function objectAt(bucket: R2Bucket, key: string, options: R2GetOptions = {}): Promise<R2ObjectBody> {
  const object = await withR2Errors(bucket.get(key, options));
  if (object === null) throw new AppError("not_found", "A file of this dataset is missing. Upload the dataset again.");
  return object;
}
