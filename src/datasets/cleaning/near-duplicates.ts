import { BlockArray } from "./block-array.ts";
import { lshBands, bands, shingles, similarity, type MinHashSignature, sketchSize } from "./minhash.ts";

/** Minimum Jaccard similarity of the 5-grams of near duplicates. */
const threshold = 0.9;

const headCount = 8_192;

export type Bounds = { maxRows: number; maxValues: number; maxCandidates: number };

/** Numbers in a block of memory, at most. */
const blockLength = 65_536;

/** Texts with the same head as a new text that are looked at, candidates or not. */
const maxVisited = 2_048;

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
  readonly #keys = new BlockArray(Uint32Array, blockLength);
  readonly #previous = new BlockArray(Uint32Array, blockLength);
  /** For each text: the start of its values, counted from the first value ever; their number; and its number of distinct 5-grams. */
  readonly #starts = new BlockArray(Float64Array, blockLength);
  readonly #lengths = new BlockArray(Uint16Array, blockLength);
  readonly #counts = new BlockArray(Uint32Array, blockLength);
  readonly #values: BlockArray<Uint32Array>;
  readonly #valueBlock: number;
  #end = 0;
  #oldest = 0;
  #size = 0;

  constructor(bounds: Bounds = usualBounds) {
    this.#bounds = bounds;
    this.#valueBlock = Math.min(blockLength, bounds.maxValues);
    this.#values = new BlockArray(Uint32Array, this.#valueBlock);
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
    let visited = 0;
    for (const [band, key] of keys.entries()) {
      let number = this.#heads[headOf(band, key)]! - 1;
      while (number >= this.#oldest && compared.size < this.#bounds.maxCandidates && visited++ < maxVisited) {
        const index = this.#slotOf(number) * bands + band;
        if (this.#keys.at(index) === key && !compared.has(number)) {
          compared.add(number);
          if (similarity(sketch, this.#sketchOf(number)) >= threshold) return true;
        }
        number = this.#previous.at(index) - 1;
      }
    }
    return false;
  }

  #sketchOf(number: number): MinHashSignature {
    const slot = this.#slotOf(number);
    const start = this.#starts.at(slot) % this.#bounds.maxValues;
    return { values: this.#values.slice(start, this.#lengths.at(slot)), count: this.#counts.at(slot) };
  }

  #slotOf(number: number): number {
    return number % this.#bounds.maxRows;
  }

  #remember({ values, count }: MinHashSignature, keys: Uint32Array): void {
    const start = this.#append(values);
    const number = this.#size++;
    this.#oldest = Math.max(this.#oldest, this.#size - this.#bounds.maxRows);
    const slot = this.#slotOf(number);
    this.#starts.set(slot, start);
    this.#lengths.set(slot, values.length);
    this.#counts.set(slot, count);
    for (const [band, key] of keys.entries()) {
      const head = headOf(band, key);
      this.#keys.set(slot * bands + band, key);
      this.#previous.set(slot * bands + band, this.#heads[head]!);
      this.#heads[head] = number + 1;
    }
  }

  /** Appends values to one block. Overwrites the oldest texts if the memory is full. */
  #append(values: Uint32Array): number {
    const { maxValues } = this.#bounds;
    const room = this.#valueBlock - (this.#end % this.#valueBlock);
    const start = room < values.length ? this.#end + room : this.#end;
    this.#end = start + values.length;
    while (this.#oldest < this.#size && this.#starts.at(this.#slotOf(this.#oldest)) < this.#end - maxValues) this.#oldest++;
    this.#values.write(start % maxValues, values);
    return start;
  }
}

function headOf(band: number, key: number): number {
  return band * headCount + (key % headCount);
}
