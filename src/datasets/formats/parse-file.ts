import { fileFormat, type Format } from "./registry.ts";
import type { ByteSource, Parsed } from "./types.ts";

export type FileToParse = { format: Format; name: string };

/**
 * What a file holds, row by row, with what was wrong between them. The same bytes give the same sequence, so that reading goes on
 * where it stopped by reading again and passing over what was there.
 *
 * @throws UnreadableFile, at once or in the middle: then the file is no such file, is cut off, or inflates to too much
 */
export function parseRows(source: ByteSource, { format, name }: FileToParse): AsyncGenerator<Parsed> {
  return fileFormat(format).parse(source, name);
}
