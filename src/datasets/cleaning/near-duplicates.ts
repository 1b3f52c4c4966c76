import { lshBands, bands, shingles, similarity, type MinHashSignature, sketchSize } from "./minhash.ts";

/** Minimum Jaccard similarity of the 5-grams of near duplicates. */
const threshold = 0.9;

const headCount = 8_192;

export type Bounds = { maxRows: number; maxValues: number; maxCandidates: number };

const usualBounds: Bounds = { maxRows: 65_536, maxValues: 6 * 2 ** 20, maxCandidates: 64 };

/**
 * A set of texts without near duplicates. MinHash finds candidates, which are then compared by their 5-grams.
 *
 * A text needs 4 bytes for each distinct 5-gram, of which at most 512 are kept, and 140 bytes more. The limit is 33 MiB: a text is
 * compared with the last 65,536 added texts, or fewer if their 5-grams are more than six million (12,288 texts of 500
 * characters and more). At most the latest 64 candidates are compared.
 */
export class NearDuplicates {
  readonly #bounds: Bounds;
  /** For each key of each band: the number of the last text with it, plus 1. */
  readonly #heads = new Uint32Array(bands * headCount);
  /** For each text and band: its key, and the number plus 1 of the previous text at the same head. */
  #keys = new Uint32Array(0);
  #previous = new Uint32Array(0);
  /** For each text: the start of its values, counted from the first value ever; their number; and its number of distinct 5-grams. */
  #starts = new Float64Array(0);
  #lengths = new Uint16Array(0);
  #counts = new Uint32Array(0);
  #values = new Uint32Array(0);
  #end = 0;
  #oldest = 0;
  #size = 0;

  constructor(bounds: Bounds = usualBounds) {
    this.#bounds = bounds;
  }

  /** Adds a text, unless it is a near duplicate. @returns whether it was added */
  add(text: string): boolean {
    const grams = shingles(text);
    const sketch = { values: grams.subarray(0, sketchSize), count: grams.length };
    const keys = lshBands(grams);
    if (this.#hasNear(sketch, keys)) return false;
    this.#remember(sketch, keys);
    return true;
  }

  #hasNear(sketch: MinHashSignature, keys: Uint32Array): boolean {
    const compared = new Set<number>();
    for (const [band, key] of keys.entries()) {
      let number = this.#heads[headOf(band, key)]! - 1;
      while (number >= this.#oldest && compared.size < this.#bounds.maxCandidates) {
        const index = this.#slotOf(number) * bands + band;
        if (this.#keys[index] === key && !compared.has(number)) {
          compared.add(number);
          if (similarity(sketch, this.#sketchOf(number)) >= threshold) return true;
        }
        number = this.#previous[index]! - 1;
      }
    }
    return false;
  }

  #sketchOf(number: number): MinHashSignature {
    const slot = this.#slotOf(number);
    const start = this.#starts[slot]! % this.#bounds.maxValues;
    return { values: this.#values.subarray(start, start + this.#lengths[slot]!), count: this.#counts[slot]! };
  }

  #slotOf(number: number): number {
    return number % this.#bounds.maxRows;
  }

  #remember({ values, count }: MinHashSignature, keys: Uint32Array): void {
    const start = this.#append(values);
    const number = this.#size++;
    this.#oldest = Math.max(this.#oldest, this.#size - this.#bounds.maxRows);
    const slot = this.#slotOf(number);
    this.#growRows(slot + 1);
    this.#starts[slot] = start;
    this.#lengths[slot] = values.length;
    this.#counts[slot] = count;
    for (const [band, key] of keys.entries()) {
      const head = headOf(band, key);
      this.#keys[slot * bands + band] = key;
      this.#previous[slot * bands + band] = this.#heads[head]!;
      this.#heads[head] = number + 1;
    }
  }

  /** Appends values contiguously. Overwrites the oldest texts if the buffer is full. */
  #append(values: Uint32Array): number {
    const { maxValues } = this.#bounds;
    const room = maxValues - (this.#end % maxValues);
    const start = room < values.length ? this.#end + room : this.#end;
    this.#end = start + values.length;
    while (this.#oldest < this.#size && this.#starts[this.#slotOf(this.#oldest)]! < this.#end - maxValues) this.#oldest++;
    this.#values = grown(this.#values, Math.min(this.#end, maxValues), maxValues);
    this.#values.set(values, start % maxValues);
    return start;
  }

  #growRows(count: number): void {
    const { maxRows } = this.#bounds;
    this.#keys = grown(this.#keys, count * bands, maxRows * bands);
    this.#previous = grown(this.#previous, count * bands, maxRows * bands);
    this.#starts = grown(this.#starts, count, maxRows);
    this.#lengths = grown(this.#lengths, count, maxRows);
    this.#counts = grown(this.#counts, count, maxRows);
  }
}

function headOf(band: number, key: number): number {
  return band * headCount + (key % headCount);
}

/** An array with capacity for `length`. It at least doubles when it grows, up to `maxLength`. */
function grown<T extends Uint16Array | Uint32Array | Float64Array>(array: T, length: number, maxLength: number): T {
  if (array.length >= length) return array;
  const Kind = array.constructor as new (length: number) => T;
  const larger = new Kind(Math.min(Math.max(length, array.length * 2, 4_096), maxLength));
  larger.set(array);
  return larger;
}
