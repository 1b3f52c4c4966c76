/** Detects JSON or JSON Lines (each line is a value). */
export function jsonOf(text: string, extension: string): "json" | "jsonl" | undefined {
  const isNamed = ["json", "jsonl", "ndjson"].includes(extension);
  const isJson = isNamed ? /^[[{]/ : /^(?:\{\s*(?:"|\}|$)|\[\s*(?:["[{\]]|-?\d|true\b|false\b|null\b|$))/;
  if (!isJson.test(text))
    return /^"(?:[^"\\]|\\.)*"\s*(?:\n|$)/.test(text) && extension.endsWith("l") && isNamed ? "jsonl" : undefined;
  const [first = "", second = ""] = text.split(/\r\n|\r|\n/, 2);
  const isValue = isWholeJson(first);
  if (second.trim() !== "")
    return isValue || (text.startsWith("{") && /^\s*\{/.test(second) && extension !== "json") ? "jsonl" : "json";
  return text.startsWith("{") && isNamed && extension !== "json" ? "jsonl" : "json";
}

function isWholeJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
