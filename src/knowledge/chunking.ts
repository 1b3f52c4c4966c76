/** How a text is cut: sizes in UTF-16 units. */
export type ChunkSettings = {
  strategy: "auto" | "markdown" | "code" | "prose";
  chunk_size: number;
  chunk_overlap: number;
};

/** A piece of a text: `text` is exactly what stands there from `start` to `end`. */
export type Chunk = { text: string; start: number; end: number; heading: string | null };

/** Where a text may be cut, the best first: between paragraphs, lines, sentences, words. */
const seams = [/\n\s*\n/g, /\n/g, /(?<=[.!?])\s/g, /\s/g];

/** Cuts a text into pieces of a size at most, each at the last and best seam of its second half; neighbours share words. */
export function chunkText(text: string, { chunk_size, chunk_overlap }: ChunkSettings): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.length - at <= chunk_size ? text.length : at + seamIn(text.slice(at, at + chunk_size), chunk_size / 2);
    const body = text.slice(at, end);
    const start = at + (body.length - body.trimStart().length);
    if (body.trim() !== "") chunks.push({ text: body.trim(), start, end: start + body.trim().length, heading: null });
    if (end === text.length) break;
    const shared = text.slice(Math.max(at + 1, end - chunk_overlap), end);
    const word = shared.search(/(?<=\s)\S/);
    at = word < 0 ? end : end - shared.length + word;
  }
  return chunks;
}

function seamIn(piece: string, from: number): number {
  for (const seam of seams) {
    const ends = Array.from(piece.matchAll(seam), ({ index, 0: { length } }) => index + length).filter((end) => end > from);
    if (ends.length > 0) return ends.at(-1)!;
  }
  const isParted = /[\ud800-\udbff]$/.test(piece);
  return piece.length - (isParted ? 1 : 0);
}
