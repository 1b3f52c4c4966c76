import { boundaryAfter, boundaryBefore } from "./boundaries.ts";
import { linesOf, skipSpace, styleOf, type Line, type Style } from "./lines.ts";
import { sectionsOf, type Section } from "./sections.ts";

/** How a text is cut: sizes in UTF-16 units. */
export type ChunkSettings = {
  strategy: "auto" | "markdown" | "code" | "prose";
  chunk_size: number;
  chunk_overlap: number;
};

/** A piece of a text: `text` is exactly what stands there from `start` to `end`. */
export type Chunk = { text: string; start: number; end: number; heading: string | null };

/** The end of a sentence: what follows starts like one, or the script writes no spaces. */
const sentenceEnds = /(?<=[.!?…]["'”’)\]*_]{0,3})\s+(?=["'“‘([*_]{0,3}[\p{Lu}\p{Lo}\p{N}])|(?<=[。！？])/gu;

/**
 * Cuts a text into chunks of `chunk_size` at most, in order, which leave out nothing but white space. Markdown is cut at its headings
 * first; what is still too long, where its structure says, as far back as the half: between paragraphs, items, rows and definitions,
 * else after a sentence or a word, and only in the end inside one, though never inside a character. Neighbours under one heading
 * share `chunk_overlap` at most, from the start of a sentence or a word. It takes time in proportion to the text, whatever is in it.
 */
export function chunkText(text: string, { strategy, chunk_size, chunk_overlap }: ChunkSettings): Chunk[] {
  const style = strategy === "auto" ? styleOf(text) : strategy;
  const sections: Iterable<Section> =
    style === "markdown" ? sectionsOf(text) : [{ start: 0, end: text.trimEnd().length, heading: null }];
  const chunks: Chunk[] = [];
  for (const section of sections) chunks.push(...chunksOf(text, section, style, chunk_size, chunk_overlap));
  return chunks;
}

function* chunksOf(text: string, section: Section, style: Style, size: number, overlap: number): Generator<Chunk> {
  const lines = linesOf(text, section.start, section.end, style);
  /** The lines that were read and end after where the next cut may be at the earliest. */
  let ahead: Line[] = [];
  for (let start = skipSpace(text, section.start); start < section.end;) {
    const limit = Math.min(section.end, start + size);
    const earliest = start + overlap + Math.floor((size - overlap) / 2);
    let end = section.end;
    if (limit < section.end) {
      ahead = ahead.filter((line) => line.previousEnd >= earliest);
      while ((ahead.at(-1)?.previousEnd ?? 0) <= limit) {
        const { value } = lines.next();
        if (value === undefined) break;
        if (value.previousEnd >= earliest) ahead.push(value);
      }
      end = bestOf(ahead, limit) ?? seamIn(text, start, earliest, limit);
    }
    const body = text.slice(start, end).trimEnd();
    yield { text: body, start, end: start + body.length, heading: section.heading };
    end = start + body.length;
    const next = skipSpace(text, end);
    // What is left may be white space alone, which is no chunk, nor a reason to repeat the end of this one.
    if (next >= section.end) break;
    const isApart = end < earliest || next - end >= Math.floor((size - overlap) / 2);
    start = overlap === 0 || isApart ? next : (sharedFrom(text, end - overlap, end, style) ?? next);
  }
}

/** Where the line ends after which it is best to cut: the last of the best. */
function bestOf(lines: readonly Line[], limit: number): number | undefined {
  let best: Line | undefined;
  for (const line of lines) {
    if (line.previousEnd <= limit && line.rank <= (best?.rank ?? Infinity)) best = line;
  }
  return best?.previousEnd;
}

/** Where to cut a text that has no line to cut at. */
function seamIn(text: string, start: number, earliest: number, limit: number): number {
  const window = text.slice(start, limit + 2);
  for (const seams of [sentenceEnds, /(?<=\S)\s/g]) {
    let last = 0;
    for (const { index } of window.matchAll(seams)) if (start + index <= limit) last = start + index;
    if (last >= earliest) return last;
  }
  return boundaryBefore(text, limit, earliest);
}

/** Where what the next chunk shares with the one before starts: at the first sentence or line, else word, else character. */
function sharedFrom(text: string, from: number, end: number, style: Style): number | undefined {
  const before = from - 1;
  const shared = text.slice(before, end);
  const firsts = style === "code" ? [/(?<=\n)[^\S\n]*\S/g] : [sentenceEnds, /(?<=\n\s*)\S/g];
  const places = firsts.flatMap((first) => {
    const found = shared.matchAll(first).next().value;
    return found === undefined ? [] : [skipSpace(text, before + found.index)];
  });
  const word = shared.search(/(?<=\s)\S/);
  const place = places.length > 0 ? Math.min(...places) : word >= 0 ? before + word : boundaryAfter(text, from, end);
  return place < end ? place : undefined;
}
