import { fileFormat, type Format } from "./registry.ts";
import type { ByteSource, Parsed } from "./types.ts";

export type FileToParse = { format: Format; name: string };

/**
 * Parses a file into rows and problems. The same bytes give the same sequence, so an import resumes by parsing again and
 * skipping the known rows.
 *
 * @throws UnreadableFileError, also in the middle: wrong format, truncated file, or too much decompressed data
 */
export function parseRows(source: ByteSource, { format, name }: FileToParse): AsyncGenerator<Parsed> {
  return fileFormat(format).parse(source, name);
}
