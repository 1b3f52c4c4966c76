import { boundaryAfter, boundaryBefore } from "./boundaries.ts";
import { linesOf, skipSpace, styleOf, type Line, type Style } from "./lines.ts";
import { sectionsOf, type Section } from "./sections.ts";

/** How a text is split. Sizes are in UTF-16 units. */
export type ChunkSettings = {
  strategy: "auto" | "markdown" | "code" | "prose";
  chunk_size: number;
  chunk_overlap: number;
};

/** A chunk of a text: `text` is exactly the slice from `start` to `end`. */
export type Chunk = { text: string; start: number; end: number; heading: string | null };

/** The end of a sentence: the next word starts like a sentence, or the script has no spaces. */
const sentenceEnds = /(?<=[.!?…]["'”’)\]*_]{0,3})\s+(?=["'“‘([*_]{0,3}[\p{Lu}\p{Lo}\p{N}])|(?<=[。！？])/gu;

/**
 * Splits a text into ordered chunks of at most `chunk_size`, which omit only white space. Markdown is split at headings first. A
 * section that is too long is split by its structure, in the second half of the chunk: between paragraphs, items, rows and
 * definitions, otherwise after a sentence or a word, and only then inside a word, but never inside a character. Neighboring chunks
 * under one heading share at most `chunk_overlap`, from the start of a sentence or a word. The time is linear in the length of the text.
 * The chunks are made one by one, so that a caller can pause between two of them.
 */
export function* chunkText(text: string, { strategy, chunk_size, chunk_overlap }: ChunkSettings): Generator<Chunk> {
  const style = strategy === "auto" ? styleOf(text) : strategy;
  const sections: Iterable<Section> =
    style === "markdown" ? sectionsOf(text) : [{ start: 0, end: text.trimEnd().length, heading: null }];
  for (const section of sections) yield* chunksOf(text, section, style, chunk_size, chunk_overlap);
}

function* chunksOf(text: string, section: Section, style: Style, size: number, overlap: number): Generator<Chunk> {
  const lines = linesOf(text, section.start, section.end, style);
  /** The lines read so far that end after the earliest possible cut. */
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
      end = bestOf(ahead, limit) ?? cutWithin(text, start, earliest, limit);
    }
    const body = text.slice(start, end).trimEnd();
    yield { text: body, start, end: start + body.length, heading: section.heading };
    end = start + body.length;
    const next = skipSpace(text, end);
    // If only white space is left, there is no further chunk.
    if (next >= section.end) break;
    const isApart = end < earliest || next - end >= Math.floor((size - overlap) / 2);
    start = overlap === 0 || isApart ? next : (overlapStart(text, end - overlap, end, style) ?? next);
  }
}

/** The best position to cut after a line: the last one of the best rank. */
function bestOf(lines: readonly Line[], limit: number): number | undefined {
  let best: Line | undefined;
  for (const line of lines) {
    if (line.previousEnd <= limit && line.rank <= (best?.rank ?? Infinity)) best = line;
  }
  return best?.previousEnd;
}

/** The position to cut a text that has no suitable line end. */
function cutWithin(text: string, start: number, earliest: number, limit: number): number {
  const window = text.slice(start, limit + 2);
  for (const boundaries of [sentenceEnds, /(?<=\S)\s/g]) {
    let last = 0;
    for (const { index } of window.matchAll(boundaries)) if (start + index <= limit) last = start + index;
    if (last >= earliest) return last;
  }
  return boundaryBefore(text, limit, earliest);
}

/** The start of the overlap with the next chunk: at the first sentence or line, otherwise word, otherwise character. */
function overlapStart(text: string, from: number, end: number, style: Style): number | undefined {
  const before = from - 1;
  const shared = text.slice(before, end);
  const patterns = style === "code" ? [/(?<=\n)[^\S\n]*\S/g] : [sentenceEnds, /(?<=\n\s*)\S/g];
  const positions = patterns.flatMap((pattern) => {
    const found = shared.matchAll(pattern).next().value;
    return found === undefined ? [] : [skipSpace(text, before + found.index)];
  });
  const word = shared.search(/(?<=\s)\S/);
  const position = positions.length > 0 ? Math.min(...positions) : word >= 0 ? before + word : boundaryAfter(text, from, end);
  return position < end ? position : undefined;
}
