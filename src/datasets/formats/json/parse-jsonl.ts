import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { maxRecordLength } from "../../constants.ts";
import { decodeText } from "../text/decode.ts";
import { linesOf } from "../text/lines.ts";
import { certainty, type ByteSource, type Parsed, type FileFormat } from "../types.ts";
import { jsonOf } from "./detect-json.ts";
import { parseRecord, tooLong } from "./json-record.ts";

/** JSON Lines: one record per line. */
export const jsonlFormat = {
  name: "jsonl",
  label: "JSON Lines",
  matchesText: (text, extension) => (jsonOf(text, extension) === "jsonl" ? certainty.certain : certainty.impossible),
  parse: parseJsonLines,
} as const satisfies FileFormat;

/** Parses JSON Lines. Positions are line numbers; blank lines count. */
async function* parseJsonLines(source: ByteSource, name: string, work: WorkMeter): AsyncGenerator<Parsed> {
  for await (const { number, text, isFirst, isLast } of linesOf(decodeText(source, work, "utf-8"), maxRecordLength, work)) {
    if (!isFirst) continue;
    if (!isLast) yield tooLong(number);
    else if (text.trim() !== "") yield* parseRecord(text, number, name, work);
  }
}
