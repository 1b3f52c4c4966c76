import { headSize } from "../text/decode.ts";
import { JsonScanner } from "./json-element-scanner.ts";

/** Extensions of JSON files. */
export const jsonExtensions = ["json", "jsonl", "ndjson"];

/** Detects JSON or JSON Lines (each line is a value). */
export function jsonOf(text: string, extension: string): "json" | "jsonl" | undefined {
  const isNamed = jsonExtensions.includes(extension);
  const isJson = isNamed ? /^[[{]/ : /^(?:\{\s*(?:"|\}|$)|\[\s*(?:["[{\]]|-?\d|true\b|false\b|null\b|$))/;
  if (!isJson.test(text))
    return /^"(?:[^"\\]|\\.)*"\s*(?:\n|$)/.test(text) && extension.endsWith("l") && isNamed ? "jsonl" : undefined;
  const [first = "", second = ""] = text.split(/\r\n|\r|\n/, 2);
  const isValue = isWholeJson(first);
  const isLines = isValue || (text.startsWith("{") && /^\s*\{/.test(second) && extension !== "json");
  if (second.trim() !== "" && isLines) return "jsonl";
  if (!isNamed && !isScanned(text)) return undefined;
  if (second.trim() !== "") return "json";
  return text.startsWith("{") && isNamed && extension !== "json" ? "jsonl" : "json";
}

/** A head that is shorter is the whole file. */
const wholeLength = headSize / 4;

/** Whether the start of a text has matching brackets, and its first element is JSON: a text may start with a bracket, too. */
function isScanned(text: string): boolean {
  try {
    const scanner = new JsonScanner(text.length, text.length);
    const [element] = Array.from(scanner.push(text));
    if (text.length < wholeLength) scanner.end();
    return typeof element !== "string" || element.trim() === "" || isWholeJson(element);
  } catch {
    return false;
  }
}

function isWholeJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
