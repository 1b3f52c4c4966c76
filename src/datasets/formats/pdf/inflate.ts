import type { Inflate } from "fflate";

/** Compressed bytes that are decompressed at once, to at most a thousand times as many: few while they decompress to much. */
const pieceSize = 1_024;
const densePieceSize = 128;
const denseRatio = 32;

/** Up to this size a stream is decompressed in one call, to at most so many bytes. */
const smallSize = 16_384;
const smallOutput = 2 ** 20;

/** Bytes of the header of a zlib stream. */
const headerSize = 2;

/** Decompresses a zlib stream piece by piece, as far as it is not damaged. A piece may be empty. What follows the end of the stream is ignored. */
export async function* inflate(stream: Buffer): AsyncGenerator<Buffer> {
  if (stream.length <= smallSize) {
    const whole = await inflateSmall(stream);
    if (whole !== "too_large") {
      yield whole;
      return;
    }
  }
  const fflate = await import("fflate");
  let inflated: Uint8Array[] = [];
  const inflater = new fflate.Inflate((piece) => inflated.push(piece));
  let length = densePieceSize;
  for (let at = headerSize; at < stream.length && !isOver(inflater);) {
    inflated = [];
    try {
      inflater.push(new Uint8Array(stream.subarray(at, at + length)));
    } catch {
      return;
    }
    at += length;
    const output = Buffer.concat(inflated);
    length = output.length > denseRatio * length ? densePieceSize : pieceSize;
    yield output;
  }
}

/** Whether the last block is decompressed. The library has this in its state alone; otherwise it collects what follows. */
function isOver(inflater: Inflate): boolean {
  const { f: isLastBlock, l: codes } = (inflater as unknown as { s: { f?: number; l?: unknown } }).s;
  return Boolean(isLastBlock) && !codes;
}

async function inflateSmall(stream: Buffer): Promise<Buffer | "too_large"> {
  const { constants, inflateSync } = await import("node:zlib");
  try {
    return inflateSync(stream, { maxOutputLength: smallOutput, finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    return error instanceof RangeError ? "too_large" : Buffer.alloc(0);
  }
}
