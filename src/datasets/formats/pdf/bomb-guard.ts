import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { UnreadableFileError } from "../types.ts";
import { inflate } from "./inflate.ts";

/** Maximum decompressed size of one stream and of all streams. The PDF library has no limits. */
const maxStreamSize = 32 * 2 ** 20;
const maxTotalSize = 256 * 2 ** 20;

const maxLayers = 3;

/** Maximum number of objects, which the library indexes at once. */
const maxObjects = 200_000;

/** Bytes that are searched at once, and more than a match can have. */
const windowSize = 32_768;
const maxMatchLength = 64;

/** The work of searching a byte, of decoding one, and of looking at a stream. */
const unitsPerSearchedByte = 2;
const unitsPerDecodedByte = 2;
const unitsPerStream = 1_000;
const unitsPerPiece = 5_000;

/** Rejects a PDF with too many objects, or whose compressed streams, raw or in ASCII 85, decompress to too much data. */
export async function assertNotBomb(bytes: Uint8Array, work: WorkMeter): Promise<void> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const lengths = await lengthObjects(file, work);
  // Streams may overlap: the bytes that all of them read are limited, too.
  const left = { input: 4 * file.length + 16 * 2 ** 20, output: maxTotalSize };
  let streams = 0;
  let endAt = 0;
  for (let at = file.indexOf("stream"); at >= 0; at = file.indexOf("stream", at + 6)) {
    await work.spend(unitsPerStream);
    if (file.toString("latin1", at - 3, at) === "end") continue;
    if (++streams > maxObjects) throw tooManyObjects();
    if (endAt < at) endAt = file.indexOf("endstream", at);
    if (endAt < 0) endAt = file.length;
    const { content, isText } = streamAt(file, at, endAt, lengths);
    let stream: Buffer | undefined = isText ? await fromAscii85(content, work) : content;
    for (let layer = 1; stream !== undefined && isDeflated(stream); layer++) {
      left.input -= stream.length;
      if (layer > maxLayers || left.input < 0) throw tooMuchData();
      const inflated: Buffer[] = [];
      let size = 0;
      for await (const piece of inflate(stream)) {
        size += piece.length;
        left.output -= piece.length;
        if (size > maxStreamSize || left.output < 0) throw tooMuchData();
        await work.spend(unitsPerPiece + piece.length * unitsPerDecodedByte);
        if (piece.length === 0) continue;
        // Only a stream in a stream is read on.
        if (inflated.length === 0 || isDeflated(inflated[0]!)) inflated.push(piece);
      }
      await work.spend(stream.length * unitsPerDecodedByte);
      stream = inflated.length > 0 ? Buffer.concat(inflated) : undefined;
    }
  }
}

const tooMuchData = () => new UnreadableFileError("is a PDF that decompresses to too much data.");

const tooManyObjects = () =>
  new UnreadableFileError(`is a PDF with more than ${maxObjects.toLocaleString("en")} objects. Split it into several files.`);

/** Numeric objects, which may be stream lengths, by object number. Of several values, the largest. */
async function lengthObjects(file: Buffer, work: WorkMeter): Promise<Map<string, number>> {
  const lengths = new Map<string, number>();
  let objects = 0;
  for (let at = 0; at < file.length; at += windowSize) {
    const text = file.toString("latin1", at, at + windowSize + maxMatchLength);
    for (const { index, 1: object = "", 2: length } of text.matchAll(
      /(?<!\d)(\d{1,10}) \d{1,5} obj\b(?:\s{1,3}(\d{1,10})\s{1,3}endobj)?/g,
    )) {
      if (index < windowSize) objects++;
      if (length !== undefined) lengths.set(object, Math.max(lengths.get(object) ?? 0, Number(length)));
    }
    if (objects > maxObjects) throw tooManyObjects();
    await work.spend(windowSize * unitsPerSearchedByte);
  }
  return lengths;
}

/** The bytes of the stream at this keyword, up to the longest possible end: a declared length or `endstream`; and whether they are text. */
function streamAt(file: Buffer, at: number, endAt: number, lengths: Map<string, number>): { content: Buffer; isText: boolean } {
  const start = at + 6 + (file[at + 6] === 0x0d ? 1 : 0) + (file[at + 6] === 0x0a || file[at + 7] === 0x0a ? 1 : 0);
  const dictionary = file.toString("latin1", Math.max(0, at - 4_096), at);
  const declared = Array.from(
    dictionary.matchAll(/\/Length\s{1,3}(\d{1,10})(\s{1,3}\d{1,5}\s{1,3}R)?/g),
    ([, number = "", reference]) => (reference === undefined ? Number(number) : (lengths.get(number) ?? 0)),
  );
  const content = file.subarray(start, Math.max(endAt, ...declared.map((length) => start + length)));
  return { content, isText: !isDeflated(content) && /\/(?:ASCII85Decode|A85)\b/.test(dictionary) };
}

const isDeflated = (bytes: Buffer): boolean => bytes.length > 2 && (bytes[0]! & 15) === 8 && bytes.readUInt16BE() % 31 === 0;

/** Decodes ASCII 85 up to its end mark. @throws UnreadableFileError above the limit of a stream */
async function fromAscii85(stream: Buffer, work: WorkMeter): Promise<Buffer> {
  const mark = stream.indexOf("~");
  const digits = mark < 0 ? stream : stream.subarray(0, mark);
  const decoded: Buffer[] = [];
  let size = 0;
  let group = 0;
  let count = 0;
  for (let at = 0; at < digits.length; at += decodedDigits) {
    const piece = digits.subarray(at, at + decodedDigits);
    const out = Buffer.alloc(piece.length * 4 + 4);
    let length = 0;
    for (const digit of piece) {
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
    decoded.push(out.subarray(0, length));
    size += length;
    if (size > maxStreamSize) throw tooMuchData();
    await work.spend(piece.length * unitsPerDecodedByte);
  }
  return Buffer.concat(decoded);
}

/** ASCII 85 digits that are decoded at once. */
const decodedDigits = 65_536;
