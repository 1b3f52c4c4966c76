import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { maxDocumentBytes, maxRecordLength } from "../../constants.ts";
import { assertColumns } from "../limits.ts";
import { decodeText } from "../text/decode.ts";
import { JsonScanner } from "./json-element-scanner.ts";
import { parseRecord, tooLong } from "./json-record.ts";
import { isRecord } from "../records/columns.ts";
import { certainty, type ByteSource, type Parsed, type FileFormat } from "../types.ts";
import { jsonOf } from "./detect-json.ts";
import { jsonColumnsOf, type JsonColumns } from "./json-columns.ts";

/** JSON: an array of records, an object that holds such arrays, an object of columns, or one record. */
export const jsonFormat = {
  name: "json",
  label: "JSON",
  matchesText: (text, extension) => (jsonOf(text, extension) === "json" ? certainty.certain : certainty.impossible),
  parse: parseJson,
} as const satisfies FileFormat;

/**
 * Parses a JSON document: the elements of an array, or of the arrays in an object (`data`, `rows`, `train`, …), the records of an object
 * of columns, or a single record. Positions are elements. It streams: only one element is in memory at a time, but columns are as a whole.
 */
async function* parseJson(source: ByteSource, name: string, work: WorkMeter): AsyncGenerator<Parsed> {
  const scanner = new JsonScanner(maxRecordLength, maxDocumentBytes);
  let position = 0;
  for await (const chunk of decodeText(source, work, "utf-8")) {
    for (const element of scanner.push(chunk)) yield* parseElement(element, ++position, name, work);
  }
  const whole = scanner.end();
  if (whole === undefined) return;
  const columns = whole === null ? undefined : await jsonColumnsOf(whole, work);
  if (columns !== undefined) yield* parseColumns(columns, name, work);
  else yield* parseElement(whole !== null && whole.length > maxRecordLength ? null : whole, 1, name, work);
}

async function* parseElement(element: string | null, position: number, name: string, work: WorkMeter): AsyncGenerator<Parsed> {
  if (element === null) yield tooLong(position);
  else yield* parseRecord(element, position, name, work, unwrapped);
}

async function* parseColumns({ names, values }: JsonColumns, name: string, work: WorkMeter): AsyncGenerator<Parsed> {
  assertColumns(names.length);
  for (let row = 0; row < values[0]!.length; row++) {
    const members = names.map((column, index) => `${column}:${values[index]![row]!}`);
    const record = `{${members.join(",")}}`;
    yield* parseElement(record.length > maxRecordLength ? null : record, row + 1, name, work);
  }
}

/** Unwraps an element in the format of Hugging Face's dataset server: `{row_idx, row: {…}}`. */
function unwrapped(value: unknown): unknown {
  return isRecord(value) && Object.hasOwn(value, "row_idx") && isRecord(value["row"]) ? value["row"] : value;
}
