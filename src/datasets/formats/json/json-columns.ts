import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { maxRows } from "../../constants.ts";
import { UnreadableFileError } from "../types.ts";

/** The columns of a JSON document: their names and the texts of their values, all as JSON. Each column has equally many values. */
export type JsonColumns = { names: string[]; values: string[][] };

/** The work of looking at a character, and the characters after which it is spent. */
const unitsPerCharacter = 3;
const spentLength = 16_384;

/** A text, a bracket, a comma or a colon. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},:]/gs;

/**
 * The columns of a document that has its records by column: `{"question": ["…", "…"], "answer": ["…", "…"]}`, or as pandas writes it,
 * `{"question": {"0": "…", "1": "…"}, "answer": {"0": "…", "1": "…"}}`. Undefined for another document: one with a member that is not such a
 * column, with columns of different lengths, or with lists of objects alone, which are messages of one record.
 * @throws UnreadableFileError for too many values
 */
export async function jsonColumnsOf(text: string, work: WorkMeter): Promise<JsonColumns | undefined> {
  if (!/^\s*\{\s*"[^"]{0,1000}"\s*:\s*[[{]/.test(text)) return undefined;
  const reader = new ColumnReader(text);
  let spent = 0;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (!reader.read(token, index)) return undefined;
    if (index - spent < spentLength) continue;
    await work.spend((index - spent) * unitsPerCharacter);
    spent = index;
  }
  const { names, values } = reader;
  const count = values[0]?.length ?? 0;
  const isTable = count > 0 && values.every((column) => column.length === count);
  const areObjects = values.every((column) => column.every((value) => value.startsWith("{")));
  return isTable && !areObjects ? { names, values } : undefined;
}

class ColumnReader {
  readonly names: string[] = [];
  readonly values: string[][] = [];
  readonly #text: string;
  #depth = 0;
  #before = "";
  /** The bracket that closes the column, and where its next value starts. */
  #closing = "";
  #start = 0;
  #count = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads the next token. @returns whether the document may still be columns */
  read(token: string, at: number): boolean {
    const before = this.#before;
    this.#before = token;
    if (this.#depth === 1) return this.#readMember(token, before, at);
    if (token === "[" || token === "{") return ++this.#depth > 1 || token === "{";
    if (this.#depth === 2) return this.#readValue(token, before, at);
    if (token === "]" || token === "}") this.#depth--;
    return true;
  }

  #readMember(token: string, before: string, at: number): boolean {
    if (before === ":") {
      if (token !== "[" && token !== "{") return false;
      this.#closing = token === "[" ? "]" : "}";
      this.#start = at + 1;
      this.values.push([]);
      this.#depth = 2;
    } else if (token.startsWith('"')) this.names.push(token);
    else if (token === "}") this.#depth = 0;
    return true;
  }

  #readValue(token: string, before: string, at: number): boolean {
    const column = this.values.at(-1)!;
    if (token === ":") {
      this.#start = at + 1;
      return before === `"${column.length}"`;
    }
    if (token !== "," && token !== this.#closing) return true;
    if (++this.#count > maxRows)
      throw new UnreadableFileError(`has more than ${maxRows.toLocaleString("en")} values in columns. Write it as JSON Lines.`);
    const value = this.#text.slice(this.#start, at).trim();
    if (value !== "" || token === ",") column.push(value);
    this.#start = at + 1;
    if (token === this.#closing) this.#depth = 1;
    return true;
  }
}
