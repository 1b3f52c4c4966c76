import { maxColumns, maxDepth, maxRecordValues } from "../constants.ts";
import { tooDeepMessage } from "./limits.ts";

/** The number of values and of members of objects in a JSON text, counted up to a limit that it exceeds, and which one that is. */
export type JsonBounds = { values: number; members: number; excess?: string };

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;

/** Counts the depth, the keys of each object and the values of a JSON text, without parsing it. Text that is not JSON passes. */
export function excessOf(text: string, maxValues = maxRecordValues): JsonBounds {
  /** The number of keys of each open object; negative for an array. */
  const open: number[] = [];
  let values = 1;
  let members = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === colon) members++;
    else if (code === 0x7b || code === 0x5b) {
      if (open.push(code === 0x7b ? 1 : -Infinity) > maxDepth) return { values, members, excess: tooDeepMessage };
      values++;
    } else if (code === 0x7d || code === 0x5d) open.pop();
    else if (code === comma && open.length > 0) {
      values++;
      if (++open[open.length - 1]! > maxColumns)
        return { values, members, excess: `has an object with more than ${maxColumns.toLocaleString("en")} keys` };
    }
    if (values > maxValues) return { values, members, excess: `has more than ${maxValues.toLocaleString("en")} values` };
  }
  return { values, members };
}

/** The position of the quote that closes the string that starts here. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return text.length;
}
