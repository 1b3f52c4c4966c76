import { UnreadableFileError } from "../types.ts";

/** Maximum decompressed size of one stream and of all streams. The PDF library has no limits. */
const maxStreamSize = 32 * 2 ** 20;
const maxTotalSize = 256 * 2 ** 20;

const maxLayers = 3;

/** Rejects a PDF whose compressed streams, raw or in ASCII 85, decompress to too much data. */
export async function assertNotBomb(bytes: Uint8Array): Promise<void> {
  const { constants, inflateSync } = await import("node:zlib");
  const options = { maxOutputLength: maxStreamSize, finishFlush: constants.Z_SYNC_FLUSH };
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let total = 0;
  const inflate = (stream: Buffer): Buffer | undefined => {
    try {
      const inflated = inflateSync(stream, options);
      total += inflated.length;
      return inflated;
    } catch (error) {
      if (error instanceof RangeError) total = Infinity;
      return undefined;
    }
  };
  const lengths = lengthObjects(file);
  for (let at = file.indexOf("stream"); at >= 0; at = file.indexOf("stream", at + 6)) {
    let stream: Buffer | undefined = streamAt(file, at, lengths);
    for (let layer = 1; stream !== undefined && isDeflated(stream); layer++) {
      stream = layer > maxLayers ? undefined : inflate(stream);
      if (layer > maxLayers || total > maxTotalSize)
        throw new UnreadableFileError("is a PDF that decompresses to too much data.");
    }
  }
}

/** Numeric objects, which may be stream lengths, by object number. Of several values, the largest. */
function lengthObjects(file: Buffer): Map<string, number> {
  const lengths = new Map<string, number>();
  const text = file.toString("latin1");
  for (const [, object = "", length] of text.matchAll(/(?<!\d)(\d{1,10}) \d{1,5} obj\s{1,3}(\d{1,10})\s{1,3}endobj/g)) {
    lengths.set(object, Math.max(lengths.get(object) ?? 0, Number(length)));
  }
  return lengths;
}

/** The bytes of the stream at this keyword, up to the longest possible end: a declared length or `endstream`. */
function streamAt(file: Buffer, at: number, lengths: Map<string, number>): Buffer | undefined {
  if (file.toString("latin1", at - 3, at) === "end") return undefined;
  const start = at + 6 + (file[at + 6] === 0x0d ? 1 : 0) + (file[at + 6] === 0x0a || file[at + 7] === 0x0a ? 1 : 0);
  const dictionary = file.toString("latin1", Math.max(0, at - 4_096), at);
  const declared = Array.from(
    dictionary.matchAll(/\/Length\s{1,3}(\d{1,10})(\s{1,3}\d{1,5}\s{1,3}R)?/g),
    ([, number = "", reference]) => (reference === undefined ? Number(number) : (lengths.get(number) ?? 0)),
  );
  const keyword = file.indexOf("endstream", start);
  const end = Math.max(keyword < 0 ? file.length : keyword, ...declared.map((length) => start + length));
  const stream = file.subarray(start, end);
  const isText = !isDeflated(stream) && /\/(?:ASCII85Decode|A85)\b/.test(dictionary);
  return isText ? fromAscii85(stream) : stream;
}

const isDeflated = (bytes: Buffer): boolean => bytes.length > 2 && (bytes[0]! & 15) === 8 && bytes.readUInt16BE() % 31 === 0;

function fromAscii85(stream: Buffer): Buffer {
  const end = stream.indexOf("~");
  const digits = end < 0 ? stream : stream.subarray(0, end);
  const out = Buffer.alloc(digits.length * 4);
  let length = 0;
  let group = 0;
  let count = 0;
  for (const digit of digits) {
    if (digit === 0x7a && count === 0) length += 4;
    if (digit < 0x21 || digit > 0x75) continue;
    group = group * 85 + digit - 0x21;
    if (++count === 5) {
      out.writeUInt32BE(group >>> 0, length);
      length += 4;
      group = 0;
      count = 0;
    }
  }
  return out.subarray(0, length);
}
