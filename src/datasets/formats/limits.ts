import { maxRecordLength, maxColumns, maxDepth } from "../constants.ts";
import { UnreadableFileError } from "./types.ts";

/** What a file says that exceeds a limit of `constants.ts`. The sentences go on from “The file”. */

const counted = (count: number): string => count.toLocaleString("en");

export const tooDeepMessage = `is nested more than ${maxDepth} levels deep`;

export const tooManyColumnsMessage = `has more than ${counted(maxColumns)} columns`;

export const tooLongMessage = `has more than ${counted(maxRecordLength)} characters`;

/** @throws UnreadableFile for elements inside more than `maxDepth` others */
export function assertDepth(depth: number): void {
  if (depth > maxDepth) throw new UnreadableFileError(`${tooDeepMessage}. Flatten it first.`);
}

/** @throws UnreadableFile for a table with more than `maxColumns` columns */
export function assertColumns(columns: number): void {
  if (columns > maxColumns) throw new UnreadableFileError(`${tooManyColumnsMessage}. Keep only the columns that you need.`);
}

/** @throws UnreadableFile for a part of more than `maxRecordLength` characters. @param part such as “a table cell” */
export function assertCell(length: number, part: string): void {
  if (length > maxRecordLength)
    throw new UnreadableFileError(
      `has ${part} of more than ${counted(maxRecordLength)} characters. Split the text into several parts.`,
    );
}
