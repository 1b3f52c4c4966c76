const gramLength = 5;

/** Maximum number of 5-grams in a signature. */
export const sketchSize = 512;

/** The smallest 5-gram hashes of a text, sorted, and its number of distinct 5-grams. */
export type MinHashSignature = { values: Uint32Array; count: number };

/** The sorted distinct 5-gram hashes of a text. A shorter text is one gram. */
export function shingles(text: string): Uint32Array {
  const count = Math.max(1, text.length - gramLength + 1);
  const hashes = new Uint32Array(count);
  for (let at = 0; at < count; at++) {
    let hash = 0;
    const end = Math.min(at + gramLength, text.length);
    for (let index = at; index < end; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x9e3779b1) + 0x7f4a7c15;
    hashes[at] = murmurFinalize(hash);
  }
  const sorted = count < minRadixSort ? hashes.sort() : radixSort(hashes);
  let distinct = 0;
  for (const hash of sorted) if (distinct === 0 || hashes[distinct - 1] !== hash) hashes[distinct++] = hash;
  return hashes.subarray(0, distinct);
}

/** From this length on, a radix sort is faster. */
const minRadixSort = 1_024;

/** Sorts by 11 bits at a time, from the lowest. The time depends on the length alone. */
function radixSort(values: Uint32Array<ArrayBuffer>): Uint32Array {
  let [from, to] = [values, new Uint32Array(values.length)];
  for (let shift = 0; shift < 32; shift += 11) {
    const ends = new Uint32Array(2_048);
    for (const value of from) ends[(value >>> shift) & 2_047]!++;
    let end = 0;
    for (let digit = 0; digit < ends.length; digit++) [ends[digit], end] = [end, end + ends[digit]!];
    for (const value of from) to[ends[(value >>> shift) & 2_047]!++] = value;
    [from, to] = [to, from];
  }
  return from;
}

/** Spreads 32 bits evenly (the finalizer of MurmurHash3). */
function murmurFinalize(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * The Jaccard similarity of two texts by their signatures: the share of common 5-grams among all 5-grams of both. Exact if
 * both have at most `sketchSize` distinct ones; otherwise estimated from the `sketchSize` smallest, with a standard error of 0.013 at 0.9.
 */
export function similarity(first: MinHashSignature, second: MinHashSignature): number {
  const isExact = first.count <= sketchSize && second.count <= sketchSize;
  const limit = isExact ? Infinity : sketchSize;
  let union = 0;
  let shared = 0;
  for (let i = 0, j = 0; union < limit && (i < first.values.length || j < second.values.length); union++) {
    const a = first.values[i] ?? Infinity;
    const b = second.values[j] ?? Infinity;
    if (a === b) shared++;
    if (a <= b) i++;
    if (b <= a) j++;
  }
  return shared / union;
}

export const bands = 16;
const rowsOfBand = 8;
const bins = bands * rowsOfBand;

/**
 * The LSH keys of a text. Two texts of similarity s share one of the 16 keys with a probability of 1 − (1 − s⁸)¹⁶, which
 * is 0.9999 at 0.9 and 0.06 at 0.5. One-permutation hashing: the smallest hash of each of 128 ranges; an empty range copies another one.
 */
export function lshBands(grams: Uint32Array): Uint32Array {
  const smallest = new Uint32Array(bins);
  const isFilled = new Uint8Array(bins);
  for (const hash of grams) {
    const bin = hash >>> 25;
    if (isFilled[bin] === 0) [isFilled[bin], smallest[bin]] = [1, hash];
  }
  const keys = new Uint32Array(bands);
  for (let bin = 0; bin < bins; bin++) {
    let from = bin;
    for (let attempt = 1; isFilled[from] === 0; attempt++) from = murmurFinalize(bin * 65_537 + attempt) & (bins - 1);
    const band = Math.floor(bin / rowsOfBand);
    keys[band] = murmurFinalize(Math.imul(keys[band]!, 31) ^ smallest[from]!);
  }
  return keys;
}
