/** Reads the error body of a vendor. Its words are only searched, never shown: they may repeat a key or a prompt. */
export type VendorError = {
  /** The messages of the error, with the names of the fields that they are about. */
  words: string;
  /** The codes and types of the error. */
  codes: readonly string[];
  /** The fields that the error names. */
  params: readonly string[];
  /** The numbers of the error by name, such as llama.cpp's `n_ctx`. */
  numbers: Readonly<Record<string, number>>;
};

/** The longest error that is searched, in characters. */
const maxLength = 16_000;

/** Reads the error in a text: JSON of any vendor, or its words. */
export function readVendorError(text: string): VendorError {
  const short = text.slice(0, maxLength);
  try {
    return readVendorErrorJson(JSON.parse(text));
  } catch {
    return { words: short, codes: [], params: [], numbers: {} };
  }
}

const messageNames = new Set(["message", "msg", "detail", "error", "error_description", "raw", "title"]);
const codeNames = new Set(["code", "type", "status", "error_type"]);

/** Reads the error in parsed JSON. Values that repeat the request, such as FastAPI's `input`, are left out. */
export function readVendorErrorJson(json: unknown): VendorError {
  const words: string[] = [];
  const codes: string[] = [];
  const params: string[] = [];
  const numbers: Record<string, number> = {};
  const visit = (value: unknown, name: string, depth: number): void => {
    if (depth > 6) return;
    if (Array.isArray(value)) {
      if (name === "loc") params.push(...value.filter((part) => typeof part === "string" && part !== "body").map(String));
      else for (const item of value.slice(0, 20)) visit(item, name, depth + 1);
    } else if (typeof value === "object" && value !== null) {
      for (const [key, item] of Object.entries(value)) visit(item, key, depth + 1);
    } else if (typeof value === "number") numbers[name] = value;
    else if (typeof value !== "string") return;
    else if (name === "raw" && value.startsWith("{")) visitText(value, depth);
    else if (messageNames.has(name) || name === "") words.push(value);
    else if (codeNames.has(name)) codes.push(value);
    else if (name === "param") params.push(value);
  };
  const visitText = (text: string, depth: number): void => {
    try {
      visit(JSON.parse(text), "", depth + 1);
    } catch {
      words.push(text);
    }
  };
  visit(json, "", 0);
  return { words: words.join("\n").slice(0, maxLength), codes, params, numbers };
}

/** The parameters of a request that an error may name to the user. */
const shownParameters = [
  "stream_options",
  "max_completion_tokens",
  "max_output_tokens",
  "max_tokens",
  "temperature",
  "top_p",
  "tool_choice",
  "tools",
  "encoding_format",
  "dimensions",
  "response_format",
  "reasoning_effort",
  "reasoning_content",
  "stream",
  "input",
  "messages",
  "content",
] as const;

/** The parameter that an error is about; undefined if it names none. */
export function namedParameter({ words, params }: VendorError): string | undefined {
  const isNamed = (name: string) => params.some((param) => new RegExp(String.raw`\b${name}\b`).test(param));
  // In prose, common words such as "content" are names only in quotes.
  const isQuoted = (name: string) =>
    new RegExp(name.includes("_") || name === "temperature" ? String.raw`\b${name}\b` : `["'\`]${name}["'\`]`).test(words);
  return shownParameters.find(isNamed) ?? shownParameters.find(isQuoted);
}
