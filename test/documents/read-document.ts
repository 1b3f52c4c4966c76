import { detectFormat } from "../../src/datasets/formats/detect-format.ts";
import { parseRows } from "../../src/datasets/formats/parse-file.ts";
import type { Format } from "../../src/datasets/formats/registry.ts";
import { memorySource, type ParsedRow, type RowProblem } from "../../src/datasets/formats/types.ts";
import { PublicError } from "../../src/kit/errors.ts";

/** What an import makes of a file: its rows and problems, or the sentence that refuses it. `crash` is an error that is not a refusal. */
export type Outcome = {
  format?: Format;
  rows: ParsedRow[];
  problems: RowProblem[];
  refusal?: string;
  crash?: string;
};

/** Detects and parses a file as an import does. */
export async function readDocument(bytes: Uint8Array, name: string): Promise<Outcome> {
  const outcome: Outcome = { rows: [], problems: [] };
  try {
    const source = memorySource(bytes);
    outcome.format = await detectFormat(source, name);
    for await (const parsed of parseRows(source, { format: outcome.format, name }))
      if ("row" in parsed) outcome.rows.push(parsed.row);
      else outcome.problems.push(parsed.problem);
  } catch (error) {
    if (error instanceof PublicError || isRefusal(error)) outcome.refusal = error.message;
    else outcome.crash = String(error);
  }
  return outcome;
}

const isRefusal = (error: unknown): error is Error =>
  error instanceof Error && "code" in error && error.code === "validation_failed";

/** The text of all rows. */
export const textOf = ({ rows }: Outcome): string => rows.map(({ text }) => text).join("");

/** The texts and numbers in a value, as text. */
export function leavesOf(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  if (typeof value === "object") return Object.values(value).flatMap(leavesOf);
  return [typeof value === "string" ? value : JSON.stringify(value)];
}

/** The words of a text: its letters and digits. */
export const wordsOf = (text: string): string[] => text.normalize("NFKC").match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
