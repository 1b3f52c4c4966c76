import type { Analyzer } from "../../kit/text/analyzer.ts";
import { detectLanguage, type Language } from "../../kit/text/languages.ts";
import { headingWeight } from "../ranking.ts";

/** The largest frequency and length of a posting: each has 16 bits. */
const maxCount = 0xffff;

/** Packs a posting into one integer below 2^53: the position of the chunk, how often it has the term, and its length in words. */
export function packPosting({ position, frequency, length }: { position: number; frequency: number; length: number }): number {
  return position * 2 ** 32 + Math.min(frequency, maxCount) * 2 ** 16 + Math.min(length, maxCount);
}

export type AnalyzedChunk = { position: number; text: string; heading: string | null; table_header?: string | null };

/** The postings of consecutive chunks, which are stored together. */
export class PostingsBlock {
  readonly #analyzer: Analyzer;
  readonly #postings = new Map<string, number[]>();
  readonly #languages = new Set<Language>();
  #language: Language | undefined;
  /** The number of chunks. */
  chunkCount = 0;
  /** The number of postings. */
  size = 0;
  /** The sum of the lengths of the chunks, in words. */
  wordCount = 0;

  constructor(analyzer: Analyzer) {
    this.#analyzer = analyzer;
  }

  /** The languages of the chunks. */
  get languages(): Language[] {
    return Array.from(this.#languages);
  }

  add({ position, text, heading, table_header = null }: AnalyzedChunk): void {
    this.#language = detectLanguage(text, this.#language);
    this.#languages.add(this.#language);
    const frequencies = new Map<string, number>();
    let length = 0;
    const count = (part: string, weight: number) => {
      for (const term of this.#analyzer.termsOf(part, this.#language!)) {
        frequencies.set(term.text, (frequencies.get(term.text) ?? 0) + weight);
        if (term.kind === "word") length += 1;
      }
    };
    count(text, 1);
    if (table_header !== null) count(table_header, 1);
    if (heading !== null) count(heading, headingWeight);
    for (const [term, frequency] of frequencies) {
      const posting = packPosting({ position, frequency, length });
      const postings = this.#postings.get(term);
      if (postings === undefined) this.#postings.set(term, [posting]);
      else postings.push(posting);
    }
    this.chunkCount += 1;
    this.size += frequencies.size;
    this.wordCount += length;
  }

  /** The rows of the block, in groups of about `size` postings. */
  *rows(size: number): Generator<{ term: string; postings: number[] }[]> {
    let group: { term: string; postings: number[] }[] = [];
    let grouped = 0;
    for (const [term, postings] of this.#postings) {
      group.push({ term, postings });
      // A row has its own cost.
      grouped += postings.length + 2;
      if (grouped < size) continue;
      yield group;
      [group, grouped] = [[], 0];
    }
    if (group.length > 0) yield group;
  }
}
