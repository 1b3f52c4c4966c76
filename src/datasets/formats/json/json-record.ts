import { parseExactJson } from "../../../kit/exact-json.ts";
import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { excessOf } from "../json-bounds.ts";
import { tooLongMessage } from "../limits.ts";
import { isRecord } from "../records/columns.ts";
import { rowsOf } from "../records/records.ts";
import { problem, type Parsed } from "../types.ts";

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
  if (text.trim() === "") {
    yield problem(position, "invalid_record", "is missing beside a comma");
    return;
  }
  const { values, members, excess } = excessOf(text);
  await work.spend(values * unitsPerValue + text.length * unitsPerCharacter);
  if (excess !== undefined) {
    yield problem(position, "invalid_record", excess);
    return;
  }
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (error) {
    yield problem(position, "invalid_record", `is not valid JSON: ${reasonOf(error)}`);
    return;
  }
  await work.spend(values * unitsPerValue + text.length * unitsPerCharacter);
  const unwrapped = unwrap(value);
  const record = typeof unwrapped === "string" ? { text: unwrapped } : unwrapped;
  if (!isRecord(record)) {
    yield problem(position, "invalid_record", `must be an object or a string, not ${kindOf(record)}`);
    return;
  }
  for (const row of rowsOf(record, `${name}#${position}`)) yield { row };
  if (membersOf(value) < members)
    yield problem(position, "left_out", "has a key twice in an object. Only its last value was read");
}

/** The number of members of all objects in a value. */
function membersOf(value: unknown): number {
  let members = 0;
  const open = [value];
  while (open.length > 0) {
    const each = open.pop();
    if (typeof each !== "object" || each === null) continue;
    const values = Object.values(each);
    if (!Array.isArray(each)) members += values.length;
    for (const inner of values) open.push(inner);
  }
  return members;
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
