import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { readVarInt, readZigZagBigInt } from "hyparquet/src/thrift.js";

export type Reader = { view: DataView; offset: number };

/** The type of a column's values, and the bytes of one of a fixed length. */
export type ValueType = { type: string | undefined; length: number | undefined };

/** A page that has more data than declared, or an encoding whose size cannot be checked before decoding. */
export class PageFault extends Error {
  override readonly name = "PageFault";
}

/** The bytes of a value of a fixed length. */
const widths: Record<string, number> = { INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8 };

/** Limits of a block of deltas. Writers have 128 values in 4 parts. */
const maxBlockSize = 65_536;
const maxParts = 512;

/** Encodings that are checked by what they would decode to. */
export const checkedEncodings = new Set([
  "DELTA_BINARY_PACKED",
  "DELTA_LENGTH_BYTE_ARRAY",
  "DELTA_BYTE_ARRAY",
  "BYTE_STREAM_SPLIT",
]);

/**
 * Checks values of one of these encodings before the library decodes them: it would allocate what they declare.
 * @param count the most values that the page can have
 * @param maxSize of all values together
 * @throws PageFault; RangeError if the page is too short
 */
export function checkEncoding(
  encoding: string,
  reader: Reader,
  count: number,
  { type, length }: ValueType,
  maxSize: number,
): void {
  if (encoding === "BYTE_STREAM_SPLIT") {
    const width = widths[type ?? ""] ?? length ?? 0;
    if (width * count > maxSize) throw new PageFault(tooMuchData);
  } else if (encoding === "DELTA_BINARY_PACKED") checkDeltas(reader, type === "INT32" ? 32 : 64);
  else if (encoding === "DELTA_LENGTH_BYTE_ARRAY") checkDeltas(reader, 32);
  else {
    const prefixes = checkedLengths(reader, count);
    const suffixes = checkedLengths(reader, count);
    let size = 0;
    for (const [index, prefix] of prefixes.entries()) {
      if (prefix < 0 || suffixes[index]! < 0) throw new PageFault("has a value of a negative length");
      size += prefix + suffixes[index]!;
      if (size > maxSize) throw new PageFault(tooMuchData);
    }
  }
}

const tooMuchData = "has values that decode to too much data";

function checkedLengths(reader: Reader, count: number): Int32Array {
  const start = reader.offset;
  const declared = Math.min(count, checkDeltas(reader, 32));
  const lengths = new Int32Array(declared);
  reader.offset = start;
  if (declared > 0) deltaBinaryUnpack(reader, declared, lengths);
  return lengths;
}

/** Checks the sizes and bit widths of deltas. @returns how many values are declared */
function checkDeltas(reader: Reader, maxWidth: number): number {
  const blockSize = readVarInt(reader);
  const parts = readVarInt(reader);
  const count = readVarInt(reader);
  readZigZagBigInt(reader);
  const partSize = blockSize / parts;
  const isValid =
    parts > 0 && parts <= maxParts && blockSize > 0 && blockSize <= maxBlockSize && partSize % 8 === 0 && count >= 0;
  if (!isValid) throw new PageFault("has deltas in blocks of an invalid size");
  for (let seen = 1; seen < count;) {
    readZigZagBigInt(reader);
    const widthsAt = reader.offset;
    reader.offset += parts;
    for (let part = 0; part < parts && seen < count; part++, seen += partSize) {
      const width = reader.view.getUint8(widthsAt + part);
      if (width > maxWidth) throw new PageFault(`has deltas of more than ${maxWidth} bits`);
      reader.offset += (partSize * width) / 8;
    }
    if (reader.offset > reader.view.byteLength) throw new RangeError("the deltas are incomplete");
  }
  return count;
}
