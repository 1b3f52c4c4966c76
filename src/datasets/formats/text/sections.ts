import { maxRowLength } from "../../constants.ts";
import { cutBefore } from "./lines.ts";
import { normalise } from "./normalize.ts";
import type { Parsed } from "../types.ts";

/**
 * Cuts the text of a document into rows: sections of at most `maxRowLength`, one after the other without a gap, each as long as it
 * can be. It is cut before a heading if there is one in the later half, else at a blank line, a line, a sentence, a word.
 */
export class Sections {
  readonly #source: string;
  readonly #lines: { text: string; rank: number }[] = [];
  #length = 0;
  #start: number;
  #isFenced = false;

  /** `start` is where the first section starts. */
  constructor(source: string, start = 0) {
    this.#source = source;
    this.#start = start;
  }

  /** Where what was not given away yet starts. */
  get next(): number {
    return this.#start;
  }

  /** Takes a line (or a piece of a long one) in; the sections that are full. */
  *add(line: string, isLast = true): Generator<Parsed> {
    let rest = normalise(line) + (isLast ? "\n" : "");
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

  /** How well a section can start with this line: 1–6 as its heading goes, 7 after a blank line, 8 else. */
  #rankOf(text: string): number {
    if (/^ {0,3}(?:```|~~~)/.test(text)) this.#isFenced = !this.#isFenced;
    const marks = this.#isFenced ? undefined : /^(#{1,6})\s/.exec(text)?.[1];
    if (marks !== undefined) return marks.length;
    return this.#lines.at(-1)?.text.trim() === "" && !this.#isFenced ? 7 : 8;
  }

  /** Makes room by giving away what stands before the best place to cut. */
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
