const kinds = ["db", "kv", "do"] as const;
export type RoundTripKind = (typeof kinds)[number];

/** Counts and times the round trips that one event makes. */
export class RoundTripCounter {
  readonly #trips: Record<RoundTripKind, { count: number; ms: number }> = {
    db: { count: 0, ms: 0 },
    kv: { count: 0, ms: 0 },
    do: { count: 0, ms: 0 },
  };

  /** Runs `work` as one round trip. */
  async time<T>(kind: RoundTripKind, work: () => Promise<T>): Promise<T> {
    const trip = this.#trips[kind];
    trip.count += 1;
    const start = performance.now();
    try {
      return await work();
    } finally {
      trip.ms += performance.now() - start;
    }
  }

  /** The number of round trips of each kind. */
  counts(): Record<RoundTripKind, number> {
    const { db, kv, do: objects } = this.#trips;
    return { db: db.count, kv: kv.count, do: objects.count };
  }

  /** A `Server-Timing` value: milliseconds in `dur`, the number of round trips in `desc`. */
  serverTiming(): string {
    return kinds.map((kind) => `${kind};dur=${this.#trips[kind].ms.toFixed(1)};desc="${this.#trips[kind].count}"`).join(", ");
  }
}
