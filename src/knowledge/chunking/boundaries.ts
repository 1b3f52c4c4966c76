/** The distance from a position within which a boundary is searched. */
const reach = 64;

/** Making a segmenter takes longer than using it. */
const segmenters = {
  word: new Intl.Segmenter(undefined, { granularity: "word" }),
  grapheme: new Intl.Segmenter(undefined, { granularity: "grapheme" }),
};

/** The last boundary between words, otherwise between graphemes, from `earliest` up to `at`. */
export function boundaryBefore(text: string, at: number, earliest: number): number {
  const from = Math.max(earliest, at - reach);
  for (const granularity of ["word", "grapheme"] as const) {
    const segment = segmentAt(text, from, at, granularity);
    if (segment === undefined) return at;
    if (segment.index > 0) return from + segment.index;
  }
  return at - (isParted(text, at) ? 1 : 0);
}

/** The first boundary between words, otherwise between graphemes, from `at` up to `latest`. */
export function boundaryAfter(text: string, at: number, latest: number): number {
  for (const granularity of ["word", "grapheme"] as const) {
    const from = Math.max(0, at - reach);
    const segment = segmentAt(text, from, at, granularity);
    if (segment === undefined || from + segment.index === at) return at;
    const end = from + segment.index + segment.segment.length;
    if (end < latest && end - at < reach) return end;
  }
  return at + (isParted(text, at) ? 1 : 0);
}

function segmentAt(text: string, from: number, at: number, granularity: "word" | "grapheme"): Intl.SegmentData | undefined {
  return segmenters[granularity].segment(text.slice(from, at + reach)).containing(at - from);
}

/** Checks whether a position is inside a surrogate pair. */
function isParted(text: string, at: number): boolean {
  return (text.codePointAt(at - 1) ?? 0) > 0xffff;
}
