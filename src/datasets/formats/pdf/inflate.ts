/** Compressed bytes that are decompressed at once, to at most a thousand times as many. */
const pieceSize = 1_024;

/** Up to this size a stream is decompressed in one call, to at most so many bytes. */
const smallSize = 16_384;
const smallOutput = 2 ** 20;

/** Decompresses a zlib stream piece by piece, as far as it is not damaged. What follows its end is ignored. */
export async function* inflate(stream: Buffer): AsyncGenerator<Buffer> {
  if (stream.length <= smallSize) {
    const whole = await inflateSmall(stream);
    if (whole !== "too_large") {
      if (whole !== undefined) yield whole;
      return;
    }
  }
  const { readable, writable } = new DecompressionStream("deflate");
  const reader = readable.getReader();
  const input = { stream, isOver: false };
  const writing = write(writable.getWriter(), input);
  try {
    for (let next = await readNext(reader); next !== undefined; next = await readNext(reader)) yield next;
  } finally {
    // Node.js throws outside of the stream if its reader is canceled, so what was written is read to its end.
    input.isOver = true;
    while ((await readNext(reader)) !== undefined);
    await writing;
  }
}

/** The next bytes; undefined at the end, also if the stream is damaged or bytes follow its end. */
async function readNext(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Buffer | undefined> {
  try {
    const { value } = await reader.read();
    return value && Buffer.from(value.buffer, value.byteOffset, value.length);
  } catch {
    return undefined;
  }
}

async function inflateSmall(stream: Buffer): Promise<Buffer | "too_large" | undefined> {
  const { constants, inflateSync } = await import("node:zlib");
  try {
    return inflateSync(stream, { maxOutputLength: smallOutput, finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    return error instanceof RangeError ? "too_large" : undefined;
  }
}

async function write(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  input: { stream: Buffer; isOver: boolean },
): Promise<void> {
  try {
    for (let at = 0; at < input.stream.length && !input.isOver; at += pieceSize) {
      await writer.ready;
      await writer.write(new Uint8Array(input.stream.subarray(at, at + pieceSize)));
    }
    await writer.close();
  } catch {
    // The reader is told.
  }
}
