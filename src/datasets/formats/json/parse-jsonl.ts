import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { maxRecordLength } from "../../constants.ts";
import { tooLongMessage } from "../limits.ts";
import { decodeText } from "../text/decode.ts";
import { linesOf } from "../text/lines.ts";
import { isRecord, rowsOf } from "../records/records.ts";
import { problem, certainty, type ByteSource, type Parsed, type FileFormat } from "../types.ts";
import { jsonOf } from "./detect-json.ts";
import { excessOf } from "./json-bounds.ts";

/** JSON Lines: one record per line. */
export const jsonlFormat = {
  name: "jsonl",
  label: "JSON Lines",
  matchesText: (text, extension) => (jsonOf(text, extension) === "jsonl" ? certainty.certain : certainty.impossible),
  parse: parseJsonLines,
} as const satisfies FileFormat;

/** Parses JSON Lines. Positions are line numbers; blank lines count. */
async function* parseJsonLines(source: ByteSource, name: string, work: WorkMeter): AsyncGenerator<Parsed> {
  for await (const { number, text, isFirst, isLast } of linesOf(decodeText(source, work), maxRecordLength, work)) {
    if (!isFirst) continue;
    if (!isLast) yield tooLong(number);
    else if (text.trim() !== "") yield* parseRecord(text, number, name, work);
  }
}

export function tooLong(position: number): Parsed {
  return problem(position, "too_long", tooLongMessage);
}

/** The work of parsing a character, and of a value that it makes. */
const unitsPerCharacter = 2;
const unitsPerValue = 100;

/**
 * Parses the JSON text of one record. Its bounds are checked first, because `JSON.parse` cannot be paused.
 * @param unwrap picks the record out of the parsed value
 */
export async function* parseRecord(
  text: string,
  position: number,
  name: string,
  work: WorkMeter,
  unwrap: (value: unknown) => unknown = (value) => value,
): AsyncGenerator<Parsed> {
  await work.spend(text.length * unitsPerCharacter);
  if (!text.isWellFormed()) {
    yield problem(position, "invalid_encoding", "is not valid UTF-8");
    return;
  }
  const { values, excess } = excessOf(text);
  await work.spend(values * unitsPerValue + text.length * unitsPerCharacter);
  if (excess !== undefined) {
    yield problem(position, "invalid_record", excess);
    return;
  }
  let record: unknown;
  try {
    record = unwrap(JSON.parse(text));
  } catch (error) {
    yield problem(position, "invalid_record", `is not valid JSON: ${reasonOf(error)}`);
    return;
  }
  await work.spend(values * unitsPerValue + text.length * unitsPerCharacter);
  if (typeof record === "string") record = { text: record };
  if (!isRecord(record)) {
    yield problem(position, "invalid_record", `must be an object or a string, not ${kindOf(record)}`);
    return;
  }
  for (const row of rowsOf(record, `${name}#${position}`)) yield { row };
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
