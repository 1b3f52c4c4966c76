/** Limits of JSON that others write. They are checked before the text is parsed, so nothing later meets a deep or a wide value. */
export type JsonLimits = {
  /** The maximum number of objects and lists inside each other. */
  maxDepth: number;
  /** The maximum number of values: members of objects and items of lists, at every depth. */
  maxValues: number;
};

export const jsonLimits: JsonLimits = { maxDepth: 64, maxValues: 10_000 };

/** Invalid JSON. The message follows the name of the text: "is not valid JSON", "is nested more than 64 levels deep". */
export class JsonError extends Error {
  override readonly name = "JsonError";
  /** The path of the value, as in validation errors; empty for the whole text. */
  readonly path: string;

  constructor(message: string, path = "", options: ErrorOptions = {}) {
    super(message, options);
    this.path = path;
  }
}

/**
 * Parses JSON that others wrote. Refused are: deep and wide values, a name that occurs twice in an object, the name `__proto__`, and
 * numbers that are too large for a double.
 * @param parse the parser of the checked text
 * @throws JsonError
 */
export function parseJson(
  text: string,
  { maxDepth, maxValues }: JsonLimits = jsonLimits,
  parse: (text: string) => unknown = JSON.parse,
): unknown {
  checkLimits(text, maxDepth, maxValues);
  try {
    return parse(text);
  } catch (cause) {
    throw new JsonError("is not valid JSON", "", { cause });
  }
}

/** An open object or list: the names of the object so far, and the name or index of its current value. */
type Level = { names: Set<string> | undefined; at: string | number };

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const digit0 = 0x30;
const digit9 = 0x39;
const colon = 0x3a;
const openList = 0x5b;
const backslash = 0x5c;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

const numberToken = /[-+.\deE]+/y;

/** No number with so few characters and without an exponent is infinite. */
const safeNumberLength = 300;

/** Scans the text once, without recursion. For a text that is not JSON, only the limits count: the parser refuses it afterwards. */
function checkLimits(text: string, maxDepth: number, maxValues: number): void {
  const levels: Level[] = [];
  let values = 0;
  let string = "";
  const refuse = (message: string): never => {
    throw new JsonError(message, pathOf(levels));
  };
  const count = () => {
    values += 1;
    if (values > maxValues) throw new JsonError(`has more than ${maxValues} values`);
  };
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = endOfString(text, at);
      // Only a name is needed, and a name is followed by a colon.
      string = levels.at(-1)?.names === undefined ? "" : text.slice(at + 1, end);
      at = end;
    } else if (code === openObject || code === openList) {
      if (levels.length === maxDepth) refuse(`is nested more than ${maxDepth} levels deep`);
      count();
      levels.push(code === openObject ? { names: new Set(), at: "" } : { names: undefined, at: 0 });
    } else if (code === closeObject || code === closeList) levels.pop();
    else if (code === comma) {
      count();
      const level = levels.at(-1);
      if (typeof level?.at === "number") level.at += 1;
    } else if (code === colon) {
      const level = levels.at(-1);
      if (level?.names === undefined) continue;
      const name = unescape(string);
      const isKnown = level.names.has(name);
      level.names.add((level.at = name));
      if (isKnown) refuse("occurs twice in its object");
      if (name === "__proto__") refuse("is not an allowed name");
    } else if (code === minus || (code >= digit0 && code <= digit9)) {
      numberToken.lastIndex = at;
      const [token] = numberToken.exec(text)!;
      const mayBeInfinite = token.length > safeNumberLength || /e/i.test(token);
      if (mayBeInfinite && Math.abs(Number(token)) === Infinity) refuse("is a number that is too large");
      at += token.length - 1;
    }
  }
}

/** The index of the quote that ends a string, or of the end of the text. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}

function unescape(name: string): string {
  if (!name.includes("\\")) return name;
  try {
    return String(JSON.parse(`"${name}"`));
  } catch {
    return name;
  }
}

/** Characters of a path that are shown. */
const maxPathLength = 200;

function pathOf(levels: readonly Level[]): string {
  const path = levels.map(({ at }) => at).join(".");
  return path.length <= maxPathLength ? path : `${path.slice(0, maxPathLength).toWellFormed()}…`;
}
