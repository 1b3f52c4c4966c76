import { boundaryAfter, boundaryBefore } from "./boundaries.ts";
import { LineReader } from "./line-reader.ts";
import { linesOf, skipSpace, styleOf, type Style } from "./lines.ts";
import { sectionsOf, type Section } from "./sections.ts";
import { sentenceEnds } from "./sentences.ts";

/** How a text is split. Sizes are in UTF-16 units. */
export type ChunkSettings = {
  strategy: "auto" | "markdown" | "code" | "prose";
  chunk_size: number;
  chunk_overlap: number;
};

/**
 * A chunk of a text: `text` is exactly the slice from `start` to `end`. `table_header` is the header row of the table that the chunk
 * starts inside; null if it starts elsewhere.
 */
export type Chunk = { text: string; start: number; end: number; heading: string | null; table_header: string | null };

/**
 * Splits a text into ordered chunks of at most `chunk_size`, which omit only white space. Markdown is split at headings first. A
 * section that is too long is split by its structure, in the second half of the chunk: between paragraphs, items, rows and
 * definitions, otherwise after a sentence, then a line, then a word, and only then inside a word, but never inside a character. The end
 * of a line that ends no sentence is no structure, because many texts have lines of a fixed width. Neighboring chunks
 * under one heading share at most `chunk_overlap`, from the start of a sentence, a line or a word. The time is linear in the length of the text.
 * The chunks are made one by one, so that a caller can pause between two of them.
 */
export function* chunkText(text: string, { strategy, chunk_size, chunk_overlap }: ChunkSettings): Generator<Chunk> {
  const style = strategy === "auto" ? styleOf(text) : strategy;
  const sections: Iterable<Section> =
    style === "markdown" ? sectionsOf(text) : [{ start: 0, end: text.trimEnd().length, heading: null }];
  for (const section of sections) yield* chunksOf(text, section, style, chunk_size, chunk_overlap);
}

function* chunksOf(text: string, section: Section, style: Style, size: number, overlap: number): Generator<Chunk> {
  const lines = new LineReader(linesOf(text, section.start, section.end, style));
  for (let start = skipSpace(text, section.start); start < section.end;) {
    const limit = Math.min(section.end, start + size);
    const earliest = start + overlap + Math.floor((size - overlap) / 2);
    let end = section.end;
    lines.readTo(limit < section.end ? limit : start, earliest);
    if (limit < section.end) {
      const firstSentence = start + overlap + Math.floor((size - overlap) / 4);
      end =
        lines.cutBefore(limit, false) ??
        lastIn(text, sentenceEnds, start, firstSentence, limit) ??
        lines.cutBefore(limit, true) ??
        lastIn(text, /(?<=\S)\s/g, start, earliest, limit) ??
        boundaryBefore(text, limit, earliest);
    }
    const body = text.slice(start, end).trimEnd();
    yield { text: body, start, end: start + body.length, heading: section.heading, table_header: lines.headerAt(start) };
    end = start + body.length;
    const next = skipSpace(text, end);
    // If only white space is left, there is no further chunk.
    if (next >= section.end) break;
    const isApart = end - overlap <= start || next - end >= Math.floor((size - overlap) / 2);
    start = overlap === 0 || isApart ? next : (overlapStart(text, end - overlap, end, style) ?? next);
  }
}

/** The last match of a pattern from `earliest` up to `limit`. */
function lastIn(text: string, pattern: RegExp, start: number, earliest: number, limit: number): number | undefined {
  let last = 0;
  for (const { index } of text.slice(start, limit + 6).matchAll(pattern)) if (start + index <= limit) last = start + index;
  return last >= earliest ? last : undefined;
}

/** The start of a paragraph, an item, a row, a quote or a heading. */
const blockStart = /(?<=\n[^\S\n]*\n\s{0,40})\S|(?<=\n)[^\S\n]{0,40}(?:[-*+]|\d{1,9}[.)]|[|>]|#{1,6}(?=\s))/g;

/** The start of the overlap with the next chunk: at the first sentence or block, otherwise line, otherwise word, otherwise character. */
function overlapStart(text: string, from: number, end: number, style: Style): number | undefined {
  const before = from - 1;
  const shared = text.slice(before, end);
  const firstOf = (...patterns: RegExp[]) => {
    const found = patterns.flatMap((pattern) => shared.matchAll(pattern).next().value?.index ?? []);
    return found.length === 0 ? undefined : skipSpace(text, before + Math.min(...found));
  };
  const position =
    (style === "code" ? undefined : firstOf(sentenceEnds, blockStart)) ??
    firstOf(/(?<=\n)[^\S\n]*\S/g) ??
    firstOf(/(?<=\s)\S/g) ??
    boundaryAfter(text, from, end);
  return position < end ? position : undefined;
}
