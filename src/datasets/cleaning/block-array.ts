type Numbers = Uint16Array | Uint32Array | Float64Array;

/** An array of numbers that grows by blocks, so that growing takes no time for what it has. */
export class BlockArray<T extends Numbers> {
  readonly #kind: new (length: number) => T;
  readonly #blockLength: number;
  readonly #blocks: T[] = [];

  constructor(kind: new (length: number) => T, blockLength: number) {
    this.#kind = kind;
    this.#blockLength = blockLength;
  }

  /** The number at an index that was set. */
  at(index: number): number {
    return this.#blocks[Math.floor(index / this.#blockLength)]![index % this.#blockLength]!;
  }

  set(index: number, value: number): void {
    this.#blockOf(index)[index % this.#blockLength] = value;
  }

  /** Writes numbers that are in one block. */
  write(index: number, values: T): void {
    this.#blockOf(index).set(values, index % this.#blockLength);
  }

  /** Numbers that are in one block. */
  slice(index: number, length: number): T {
    const start = index % this.#blockLength;
    return this.#blockOf(index).subarray(start, start + length) as T;
  }

  #blockOf(index: number): T {
    return (this.#blocks[Math.floor(index / this.#blockLength)] ??= new this.#kind(this.#blockLength));
  }
}
