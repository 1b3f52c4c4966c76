import { maxRecordLength } from "../../constants.ts";
import { decodeText } from "../text/decode.ts";
import { linesOf } from "../text/lines.ts";
import { isRecord, rowsOf } from "../records/records.ts";
import { problem, certainty, type ByteSource, type Parsed, type FileFormat } from "../types.ts";
import { jsonOf } from "./detect-json.ts";

/** JSON Lines: one record per line. */
export const jsonlFormat = {
  name: "jsonl",
  label: "JSON Lines",
  matchesText: (text, extension) => (jsonOf(text, extension) === "jsonl" ? certainty.certain : certainty.impossible),
  parse: parseJsonLines,
} as const satisfies FileFormat;

/** Parses JSON Lines. Positions are line numbers; blank lines count. */
async function* parseJsonLines(source: ByteSource, name: string): AsyncGenerator<Parsed> {
  for await (const { number, text, isFirst, isLast } of linesOf(decodeText(source), maxRecordLength)) {
    if (!isFirst) continue;
    if (!isLast) yield tooLong(number);
    else if (text.trim() !== "") yield* parseRecord(text, number, name);
  }
}

export function tooLong(position: number): Parsed {
  return problem(position, "too_long", `has more than ${maxRecordLength.toLocaleString("en")} characters`);
}

/** Parses the JSON text of one record. */
export function* parseRecord(text: string, position: number, name: string): Generator<Parsed> {
  if (!text.isWellFormed()) {
    yield problem(position, "invalid_encoding", "is not valid UTF-8");
    return;
  }
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (error) {
    yield problem(position, "invalid_record", `is not valid JSON: ${reasonOf(error)}`);
    return;
  }
  if (typeof record === "string") record = { text: record };
  if (!isRecord(record)) {
    yield problem(position, "invalid_record", `must be an object or a string, not ${kindOf(record)}`);
    return;
  }
  if (isDeeper(record, maxDepth)) {
    yield problem(position, "invalid_record", `is nested more than ${maxDepth} levels deep`);
    return;
  }
  for (const row of rowsOf(record, `${name}#${position}`)) yield { row };
}

const maxDepth = 64;

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((each) => isDeeper(each, depth - 1));
}

/** The parser's message without the quoted text, which may be long. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  return message
    .replace(/, (?:"|\.\.\.).*is not valid JSON$/s, "")
    .replace(/ in JSON/, "")
    .slice(0, 200);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
