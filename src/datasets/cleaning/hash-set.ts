const firstSlots = 1_024;
const maxSlots = 2 ** 20;

/** A set of digests by their first 53 bits. It stores at most the first 786,432 in 8 MiB. */
export class HashSet {
  #slots = new Float64Array(firstSlots);
  #size = 0;

  /** Adds a digest. @returns whether it is new */
  add(digest: DataView): boolean {
    const key = digest.getUint32(0) * 2 ** 21 + (digest.getUint32(4) >>> 11) + 1;
    const slot = slotOf(this.#slots, key);
    if (this.#slots[slot] === key) return false;
    if (this.#size >= maxSlots * 0.75) return true;
    this.#slots[slot] = key;
    this.#size++;
    if (this.#size > this.#slots.length * 0.75 && this.#slots.length < maxSlots) this.#grow();
    return true;
  }

  #grow(): void {
    const slots = new Float64Array(this.#slots.length * 2);
    for (const key of this.#slots) if (key !== 0) slots[slotOf(slots, key)] = key;
    this.#slots = slots;
  }
}

/** The slot of a key, or the free slot for it. 0 marks a free slot. */
function slotOf(slots: Float64Array, key: number): number {
  let slot = key % slots.length;
  while (slots[slot] !== 0 && slots[slot] !== key) slot = (slot + 1) % slots.length;
  return slot;
}
