import { WorkMeter } from "../../../kit/async/work-meter.ts";
import { type ByteSource, memorySource } from "../types.ts";

/**
 * Decodes a file: UTF-8, or UTF-16 if it starts with a byte order mark. Invalid bytes become a lone
 * surrogate, which valid text never has, so `isWellFormed` finds the affected rows. `encoding` is the encoding that
 * the file declares; a byte order mark overrides it, and so does UTF-8, because programs that save a page keep what it declares. Without one,
 * a file that is not UTF-8 may be Windows-1252. The work covers what a
 * parser does with each byte.
 */
export async function* decodeText(source: ByteSource, work: WorkMeter, encoding?: string): AsyncGenerator<string> {
  let decode = decoderOf(new Uint8Array(await source.read(0, Math.min(3, source.size))), encoding);
  let skipped = decode.mark;
  let kept: Uint8Array = new Uint8Array();
  let isDecided = decode.mark > 0;
  let position = 0;
  for await (const chunk of bytesOf(await source.stream())) {
    const bytes = chunk.subarray(Math.min(skipped, chunk.length));
    skipped -= chunk.length - bytes.length;
    const foreign = isDecided ? -1 : chunk.findIndex((byte) => byte >= 0x80);
    if (foreign >= 0) {
      isDecided = true;
      const at = position + foreign;
      const sample = new Uint8Array(await source.read(at, Math.min(at + headSize, source.size)));
      if (encoding !== undefined && isUtf8(sample)) decode = utf8;
      if (encoding === undefined && isWindows1252(sample)) decode = other("windows-1252") ?? decode;
    }
    position += chunk.length;
    const joined = kept.length === 0 ? bytes : joinedBytes(kept, bytes);
    const whole = joined.length - decode.unfinished(joined);
    kept = joined.slice(whole);
    if (whole > 0) yield decode.text(joined.subarray(0, whole));
    await work.spend(whole * unitsPerByte);
  }
  if (kept.length > 0) yield broken;
}

/** Bytes of the head of a file, by which its format is detected. */
export const headSize = 65_536;

/** The text of the head of a file. */
export async function headText(source: ByteSource, work = new WorkMeter()): Promise<string> {
  const head = new Uint8Array(await source.read(0, Math.min(headSize, source.size)));
  let text = "";
  for await (const chunk of decodeText(memorySource(head), work)) text += chunk;
  return text;
}

/** Marks invalid bytes. */
const broken = "\uDC80";

type Decoder = {
  /** Bytes of the byte order mark. */
  mark: number;
  /** Number of trailing bytes of an incomplete character. */
  unfinished(bytes: Uint8Array): number;
  text(bytes: Uint8Array): string;
};

function decoderOf(head: Uint8Array, encoding = "utf-8"): Decoder {
  if (head[0] === 0xff && head[1] === 0xfe) return utf16(true);
  if (head[0] === 0xfe && head[1] === 0xff) return utf16(false);
  const hasMark = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
  return hasMark ? { ...utf8, mark: 3 } : (other(encoding) ?? utf8);
}

/** Whether bytes from the first one that is not ASCII are UTF-8, up to the last whole character. */
function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes.subarray(0, bytes.length - unfinishedUtf8(bytes)));
    return true;
  } catch {
    return false;
  }
}

/** Bytes that Windows-1252 does not have, and letters that are too rare in it. */
const unlikelyBytes = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d, 0xfe, 0xff]);

/** Whether bytes from the first one that is not ASCII are Windows-1252: none of them are a character of UTF-8, and all are letters or marks. */
function isWindows1252(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte < 0x80) continue;
    if (unlikelyBytes.has(byte)) return false;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    const following = bytes.subarray(at + 1, at + length);
    const isCharacter =
      byte >= 0xc2 && byte <= 0xf4 && following.length === length - 1 && following.every((each) => each >> 6 === 2);
    if (isCharacter) return false;
  }
  return bytes.length > 0;
}

/** A decoder for another encoding of this name, if supported. */
function other(encoding: string): Decoder | undefined {
  if (/^utf-?(?:8|16)/i.test(encoding)) return undefined;
  try {
    const decoder = new TextDecoder(encoding, { fatal: false, ignoreBOM: true });
    return {
      mark: 0,
      unfinished: () => 0,
      text: (bytes) => decoder.decode(bytes, { stream: true }).replaceAll("\uFFFD", broken),
    };
  } catch {
    return undefined;
  }
}

function utf16(isLittleEndian: boolean): Decoder {
  return {
    mark: 2,
    unfinished: (bytes) => bytes.length % 2,
    text: (bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      let text = "";
      for (let at = 0; at < bytes.length; at += 8192) {
        const length = Math.min(8192, bytes.length - at) / 2;
        const units = Array.from({ length }, (_, unit) => view.getUint16(at + unit * 2, isLittleEndian));
        text += String.fromCharCode(...units);
      }
      return text;
    },
  };
}

function unfinishedUtf8(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

const utf8: Decoder = { mark: 0, unfinished: unfinishedUtf8, text: decodeUtf8 };

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** Decodes UTF-8. Invalid bytes are marked; a real U+FFFD stays. The time is linear in the number of bytes. */
function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    const buffer = Buffer.from(bytes);
    const spare = spareCharacters.find((each) => !buffer.includes(each));
    if (spare !== undefined) for (let at = 0; (at = buffer.indexOf("\uFFFD", at)) >= 0;) at += buffer.write(spare, at);
    const text = lenient.decode(buffer).replaceAll("\uFFFD", broken);
    return spare === undefined ? text : text.replaceAll(spare, "\uFFFD");
  }
}

/** Noncharacters of three bytes, as U+FFFD has. One that is not in a text stands for U+FFFD while the text is decoded. */
const spareCharacters = Array.from({ length: 32 }, (_, index) => String.fromCharCode(0xfdd0 + index));

function joinedBytes(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

const maxChunkSize = 16_384;

/** The work of decoding a byte and of scanning its character. */
const unitsPerByte = 4;

/** The chunks of a stream, split to at most 16 KiB to limit memory and the work of a turn. */
async function* bytesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (let at = 0; at < value.length; at += maxChunkSize) yield value.subarray(at, at + maxChunkSize);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
