import { UnreadableFile } from "./source.ts";

/** What a stream of a PDF may inflate to, and all of them together: its reader has no limits of its own. */
const maxStreamSize = 32 * 2 ** 20;
const maxTotalSize = 256 * 2 ** 20;

const maxLayers = 3;

/** Refuses a PDF whose deflated streams, as they are or in ASCII 85, inflate to too much. */
export async function refuseBombs(bytes: Uint8Array): Promise<void> {
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
      if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") total = Infinity;
      return undefined;
    }
  };
  for (let at = file.indexOf("stream"); at >= 0; at = file.indexOf("stream", at + 6)) {
    let stream: Buffer | undefined = streamAt(file, at);
    for (let layer = 1; stream !== undefined && isDeflated(stream); layer++) {
      stream = layer > maxLayers ? undefined : inflate(stream);
      if (layer > maxLayers || total > maxTotalSize) throw new UnreadableFile("is a PDF that inflates to too much.");
    }
  }
}

/** The bytes of the stream whose keyword stands here, up to the end of the file: where it says it ends counts for nothing. */
function streamAt(file: Buffer, at: number): Buffer | undefined {
  if (file.toString("latin1", at - 3, at) === "end") return undefined;
  const start = at + 6 + (file[at + 6] === 0x0d ? 1 : 0) + (file[at + 6] === 0x0a || file[at + 7] === 0x0a ? 1 : 0);
  const filters = file.toString("latin1", Math.max(0, at - 300), at);
  return filters.includes("/ASCII85Decode") || filters.includes("/A85") ? fromAscii85(file, start) : file.subarray(start);
}

const isDeflated = (bytes: Buffer): boolean => bytes.length > 2 && (bytes[0]! & 15) === 8 && bytes.readUInt16BE() % 31 === 0;

function fromAscii85(file: Buffer, start: number): Buffer {
  const end = file.indexOf("~", start);
  const digits = file.subarray(start, end < 0 ? file.length : end);
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
