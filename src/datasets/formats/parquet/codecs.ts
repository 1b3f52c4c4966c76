import type { Gunzip } from "fflate";
import type { CompressionCodec } from "hyparquet";

/** Decompressors of pages, by codec. Each gets the size that the page declares, and gives no more. */
export type Compressors = Record<string, (bytes: Uint8Array, size: number) => Uint8Array>;

/** The codecs that can be read. */
export const readableCodecs: ReadonlySet<CompressionCodec> = new Set([
  "UNCOMPRESSED",
  "SNAPPY",
  "GZIP",
  "ZSTD",
  "BROTLI",
  "LZ4",
  "LZ4_RAW",
]);

/** The decompressors of these codecs. Snappy is built in. */
export async function openCompressors(codecs: ReadonlySet<CompressionCodec | undefined>): Promise<Compressors> {
  const found: Compressors = { LZ4: inflateLz4, LZ4_RAW: inflateLz4Block };
  if (codecs.has("GZIP")) {
    const fflate = await import("fflate");
    found["GZIP"] = (bytes, size) => inflateMembers(new fflate.Gunzip(), bytes, size);
  }
  if (codecs.has("ZSTD")) {
    const { decompress } = await import("fzstd");
    found["ZSTD"] = (bytes, size) => decompress(bytes, new Uint8Array(size));
  }
  if (codecs.has("BROTLI")) {
    const { brotliDecompressSync } = await import("node:zlib");
    found["BROTLI"] = (bytes, size) => new Uint8Array(brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, size) }));
  }
  return found;
}

/** Bytes that are decompressed at once, to at most a thousand times as many. */
const pieceSize = 1_024;

/** Decompresses all members of a gzip stream, up to the declared size. */
function inflateMembers(inflater: Gunzip, bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let length = 0;
  inflater.ondata = (piece) => {
    if (length + piece.length > size) throw new RangeError("a page has more data than declared");
    out.set(piece, length);
    length += piece.length;
  };
  for (let at = 0; at < bytes.length; at += pieceSize)
    inflater.push(bytes.slice(at, at + pieceSize), at + pieceSize >= bytes.length);
  return out.subarray(0, length);
}

/**
 * Decompresses `LZ4`, which is deprecated: Hadoop writes frames, each with its decompressed and its compressed size in 4 bytes; other
 * writers write one block. Source: https://github.com/apache/parquet-format/blob/master/Compression.md
 */
function inflateLz4(bytes: Uint8Array, size: number): Uint8Array {
  return inflateHadoopFrames(bytes, size) ?? inflateLz4Block(bytes, size);
}

function inflateHadoopFrames(bytes: Uint8Array, size: number): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Uint8Array(size);
  let length = 0;
  for (let at = 0; at < bytes.length;) {
    if (at + 8 > bytes.length) return undefined;
    const frameSize = view.getUint32(at);
    const end = at + 8 + view.getUint32(at + 4);
    if (end > bytes.length || length + frameSize > size) return undefined;
    out.set(inflateLz4Block(bytes.subarray(at + 8, end), frameSize), length);
    length += frameSize;
    at = end;
  }
  return length === size ? out : undefined;
}

/** The shortest match, and the value of a length that continues in the next byte. */
const minMatch = 4;
const longLength = 15;

/** Decompresses an LZ4 block. Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md @throws RangeError if it is damaged */
function inflateLz4Block(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let at = 0;
  let length = 0;
  const lengthFrom = (nibble: number): number => {
    let total = nibble;
    for (let byte = nibble === longLength ? 255 : 0; byte === 255; total += byte) byte = bytes[at++] ?? 0;
    return total;
  };
  while (at < bytes.length) {
    const token = bytes[at++]!;
    const literals = lengthFrom(token >> 4);
    if (at + literals > bytes.length || length + literals > size) throw new RangeError("an LZ4 block is damaged");
    out.set(bytes.subarray(at, at + literals), length);
    at += literals;
    length += literals;
    if (at >= bytes.length) break;
    const distance = bytes[at]! | ((bytes[at + 1] ?? 0) << 8);
    at += 2;
    const end = length + lengthFrom(token & longLength) + minMatch;
    if (distance === 0 || distance > length || end > size) throw new RangeError("an LZ4 block is damaged");
    for (; length < end; length++) out[length] = out[length - distance]!;
  }
  return out.subarray(0, length);
}
