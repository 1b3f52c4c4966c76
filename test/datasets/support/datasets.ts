import { expect } from "vitest";
import { readFileSync } from "node:fs";
import { detectFormat } from "../../../src/datasets/formats/detect-format.ts";
import { memorySource, type Parsed, type ParsedRow, type RowProblem } from "../../../src/datasets/formats/types.ts";
import { parseRows } from "../../../src/datasets/formats/parse-file.ts";
import type { Format } from "../../../src/datasets/formats/registry.ts";
import { maxRowLength } from "../../../src/datasets/constants.ts";
import { normalizeText } from "../../../src/datasets/formats/text/normalize.ts";

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}

/** All that is read of a file: its rows, what was wrong with it, and in what order they came. */
export async function read(content: string | Uint8Array, format: Format, name = `file.${format}`) {
  const all: Parsed[] = [];
  for await (const parsed of parseRows(memorySource(bytesOf(content)), { format, name })) all.push(parsed);
  const rows: ParsedRow[] = all.flatMap((parsed) => ("row" in parsed ? [parsed.row] : []));
  const problems: RowProblem[] = all.flatMap((parsed) => ("problem" in parsed ? [parsed.problem] : []));
  return { all, rows, problems };
}

export function detect(content: string | Uint8Array, name = "file"): Promise<Format> {
  return detectFormat(memorySource(bytesOf(content)), name);
}

/** A real file of each format, and its format. */
export const fixtures = [
  ["dialogues.json", "json"],
  ["instructions.jsonl", "jsonl"],
  ["dialogues.csv", "csv"],
  ["dialogues.tsv", "tsv"],
  ["paragraphs.parquet", "parquet"],
  ["angler.md", "markdown"],
  ["angler.txt", "text"],
  ["angler.html", "html"],
  ["angler.pdf", "pdf"],
  ["angler.docx", "docx"],
] as const;

export const fixture = (name: string): Uint8Array => readFileSync(`test/fixtures/formats/${name}`);

/** Checks that sections follow one another without a gap, none too long, each as refining leaves it. */
export function expectSections(rows: ParsedRow[]) {
  let start = 0;
  for (const row of rows) {
    expect(row.start).toBe(start);
    expect(row.text.length).toBeLessThanOrEqual(maxRowLength);
    expect(normalizeText(row.text)).toBe(row.text);
    start += row.text.length;
  }
}
