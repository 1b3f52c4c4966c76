import { UnreadableFileError, type ByteSource } from "../types.ts";

/** The signature of a ZIP archive, in hexadecimal. */
export const zipSignature = "504b0304";

/** A file in a ZIP archive, as its directory describes it. */
export type ZipEntry = { name: string; method: number; compressedSize: number; headerAt: number };

const directoryEndSize = 22;
const maxCommentSize = 65_535;
const maxEntries = 10_000;
const maxDirectorySize = 2 ** 20;

/** Reads the directory of a ZIP archive. @throws UnreadableFile for a truncated or unsupported archive */
export async function zipEntries(source: ByteSource): Promise<ZipEntry[]> {
  const tailAt = Math.max(0, source.size - directoryEndSize - maxCommentSize);
  const tail = new DataView(await source.read(tailAt, source.size));
  let end = tail.byteLength - directoryEndSize;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new UnreadableFileError("is a truncated ZIP archive: its directory is missing.");
  const count = tail.getUint16(end + 10, true);
  const size = tail.getUint32(end + 12, true);
  const at = tail.getUint32(end + 16, true);
  if (count > maxEntries || size > maxDirectorySize)
    throw new UnreadableFileError(
      `is a ZIP archive with more than ${maxEntries} files, or with a directory of more than 1 MB.`,
    );
  if (at + size > source.size) throw new UnreadableFileError("is a ZIP archive with an invalid directory.");
  return directoryEntries(await source.read(at, at + size), count);
}

function directoryEntries(directory: ArrayBuffer, count: number): ZipEntry[] {
  const view = new DataView(directory);
  const decoder = new TextDecoder();
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count && at + 46 <= view.byteLength;) {
    if (view.getUint32(at, true) !== 0x02014b50) break;
    if (view.getUint16(at + 8, true) & 1)
      throw new UnreadableFileError("is an encrypted ZIP archive. Save it without a password.");
    const nameLength = view.getUint16(at + 28, true);
    const nameBytes = new Uint8Array(directory, at + 46, Math.min(nameLength, view.byteLength - at - 46));
    entries.push({
      name: decoder.decode(nameBytes),
      method: view.getUint16(at + 10, true),
      compressedSize: view.getUint32(at + 20, true),
      headerAt: view.getUint32(at + 42, true),
    });
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

/** Bytes that are decompressed at once, to at most a thousand times as many. */
const pieceSize = 1_024;

/** Decompresses a file of an archive piece by piece, up to `maxSize` bytes. It ignores the declared sizes. */
export async function* inflateEntry(source: ByteSource, entry: ZipEntry, maxSize: number): AsyncGenerator<Uint8Array> {
  if (entry.method !== 0 && entry.method !== 8)
    throw new UnreadableFileError(`has a part with an unsupported compression: ${entry.name}.`);
  const inflater = entry.method === 8 ? await openInflater() : undefined;
  const header = new DataView(await source.read(entry.headerAt, Math.min(entry.headerAt + 30, source.size)));
  if (header.byteLength < 30 || header.getUint32(0, true) !== 0x04034b50)
    throw new UnreadableFileError(`is damaged: ${entry.name} is not at its expected offset.`);
  const start = entry.headerAt + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  const end = Math.min(start + entry.compressedSize, source.size);
  let size = 0;
  for (let at = start; at < end; at += pieceSize) {
    const bytes = new Uint8Array(await source.read(at, Math.min(at + pieceSize, end)));
    const pieces = inflater === undefined ? [bytes] : inflater(bytes, at + pieceSize >= end, entry.name);
    for (const piece of pieces) {
      size += piece.length;
      if (size > maxSize)
        throw new UnreadableFileError(`decompresses to too much data: ${entry.name} has more than ${maxSize / 2 ** 20} MB.`);
      yield piece;
    }
  }
}

/** Decompresses pieces. */
async function openInflater() {
  const { Inflate } = await import("fflate");
  let inflated: Uint8Array[] = [];
  const inflate = new Inflate((piece) => inflated.push(piece));
  return (bytes: Uint8Array, isLast: boolean, name: string): Uint8Array[] => {
    inflated = [];
    try {
      inflate.push(bytes, isLast);
    } catch (cause) {
      throw new UnreadableFileError(`is damaged: ${name} cannot be decompressed.`, { cause });
    }
    return inflated;
  };
}
