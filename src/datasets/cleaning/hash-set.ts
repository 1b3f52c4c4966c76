const tableCount = 64;
const firstSlots = 64;
const maxTableSlots = 2 ** 14;
const maxSize = 786_432;

/**
 * A set of digests by their first 53 bits. It stores at most the first 786,432 in 8 MiB. It has many small tables, so that growing one takes
 * no time.
 */
export class HashSet {
  readonly #tables = Array.from({ length: tableCount }, () => ({ slots: new Float64Array(firstSlots), size: 0 }));
  #size = 0;

  /** Adds a digest. @returns whether it is new */
  add(digest: DataView): boolean {
    const key = digest.getUint32(0) * 2 ** 21 + (digest.getUint32(4) >>> 11) + 1;
    const table = this.#tables[key % tableCount]!;
    const slot = slotOf(table.slots, key);
    if (table.slots[slot] === key) return false;
    if (this.#size >= maxSize || table.size >= maxTableSlots * 0.9) return true;
    table.slots[slot] = key;
    table.size++;
    this.#size++;
    if (table.size > table.slots.length * 0.75 && table.slots.length < maxTableSlots) table.slots = doubled(table.slots);
    return true;
  }
}

function doubled(slots: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(slots.length * 2);
  for (const key of slots) if (key !== 0) larger[slotOf(larger, key)] = key;
  return larger;
}

/** The slot of a key, or the free slot for it. 0 marks a free slot. */
function slotOf(slots: Float64Array, key: number): number {
  let slot = Math.floor(key / tableCount) % slots.length;
  while (slots[slot] !== 0 && slots[slot] !== key) slot = (slot + 1) % slots.length;
  return slot;
}
