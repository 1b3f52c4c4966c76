import { maxRowLength } from "../../constants.ts";
import { cutBefore } from "./lines.ts";
import { normalizeText } from "./normalize.ts";
import type { Parsed } from "../types.ts";

/**
 * Splits the text of a document into rows: contiguous sections of at most `maxRowLength`, each as long as
 * possible. Sections end before a heading in their later half, or else at a blank line, a line, a sentence or a word.
 */
export class Sections {
  readonly #source: string;
  readonly #lines: { text: string; rank: number }[] = [];
  #length = 0;
  #start: number;
  #isFenced = false;

  /** @param start offset of the first section */
  constructor(source: string, start = 0) {
    this.#source = source;
    this.#start = start;
  }

  /** The offset of the next section. */
  get next(): number {
    return this.#start;
  }

  /** Adds a line, or a piece of a long line. @returns the full sections */
  *add(line: string, isLast = true): Generator<Parsed> {
    let rest = normalizeText(line) + (isLast ? "\n" : "");
    while (rest.length > 0) {
      const text = rest.length > maxRowLength ? rest.slice(0, cutBefore(rest, maxRowLength)) : rest;
      rest = rest.slice(text.length);
      const rank = this.#rankOf(text);
      while (this.#length + text.length > maxRowLength) yield* this.#cut();
      this.#lines.push({ text, rank });
      this.#length += text.length;
    }
  }

  /** The last section. */
  *end(): Generator<Parsed> {
    yield* this.#emit(this.#lines.length);
  }

  /** The rank of this line as the start of a section: 1–6 for a heading level, 7 after a blank line, otherwise 8. */
  #rankOf(text: string): number {
    if (/^ {0,3}(?:```|~~~)/.test(text)) this.#isFenced = !this.#isFenced;
    const marks = this.#isFenced ? undefined : /^(#{1,6})\s/.exec(text)?.[1];
    if (marks !== undefined) return marks.length;
    return this.#lines.at(-1)?.text.trim() === "" && !this.#isFenced ? 7 : 8;
  }

  /** Emits the lines before the best split position. */
  *#cut(): Generator<Parsed> {
    let best = this.#lines.length;
    let bestRank = 9;
    let length = 0;
    for (const [index, { text, rank }] of this.#lines.entries()) {
      if (length >= maxRowLength / 2 && rank <= bestRank) [best, bestRank] = [index, rank];
      length += text.length;
    }
    yield* this.#emit(best);
  }

  *#emit(count: number): Generator<Parsed> {
    const text = this.#lines
      .splice(0, count)
      .map((line) => line.text)
      .join("");
    const start = this.#start;
    this.#start += text.length;
    this.#length -= text.length;
    if (text.trim() !== "") yield { row: { kind: "text", text, fields: null, source: this.#source, start } };
  }
}
