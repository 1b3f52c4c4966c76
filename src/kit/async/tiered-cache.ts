/** The tier of a value. `stale` is memory past its fresh time. */
export type Tier = "memory" | "kv" | "origin" | "stale";

/** The maximum age of a value. Up to `freshMs` it is served unchecked; for `maxStaleMs` more it is served and revalidated after the reply. */
export type CacheAges = { freshMs: number; maxStaleMs: number };

/** How one event reads the tiers below memory. */
export type CacheSources<T> = {
  /** The newest copy in the key-value store, or null. */
  fromKv(): Promise<T | null>;
  /** The current value. If the cached one is still current, returns that same object. */
  fetchOrigin(held: T | undefined): Promise<T>;
  /** Keeps the event alive until the work is done. */
  waitUntil(work: Promise<unknown>): void;
};

/** Milliseconds between two attempts to reach a failing origin. */
const retryMs = 5_000;

/** Milliseconds after a failed attempt in which the cached value is served without another attempt. */
const errorGraceMs = 30_000;

/** Longer than an attempt can take. An attempt that is not settled by then ended with its request. */
const abandonedMs = 15_000;

/**
 * One value in this isolate's memory, in front of KV and an origin, stale while revalidated.
 * At most one check runs at a time.
 */
export class TieredCache<T> {
  #held: { value: T; checkedAt: number } | undefined;
  #check: { tier: Promise<Tier>; begunAt: number } | undefined;
  #failedAt = -Infinity;

  /** The value in memory if it may be served without waiting; `stale` says that a check is due. */
  peek({ freshMs, maxStaleMs }: CacheAges): { value: T; tier: "memory" | "stale" } | undefined {
    if (this.#held === undefined) return undefined;
    const now = Date.now();
    const age = now - this.#held.checkedAt;
    if (age < freshMs) return { value: this.#held.value, tier: "memory" };
    if (age < freshMs + maxStaleMs || now - this.#failedAt < errorGraceMs) return { value: this.#held.value, tier: "stale" };
    return undefined;
  }

  /** The value from the nearest tier that has it. @throws the error of the origin if no tier has it */
  async read(ages: CacheAges, sources: CacheSources<T>): Promise<{ value: T; tier: Tier }> {
    const near = this.peek(ages);
    if (near !== undefined) {
      if (near.tier === "stale") this.revalidate(ages, sources);
      return near;
    }
    try {
      const tier = await this.#settle(ages, sources);
      if (tier === "kv") sources.waitUntil(this.#revalidateSoon(ages, sources));
      return { value: this.#held!.value, tier };
    } catch (error) {
      if (this.#held === undefined) throw error;
      return { value: this.#held.value, tier: "stale" };
    }
  }

  /** Starts a check after the reply, unless one runs, none is due, or one has just failed. */
  revalidate(ages: CacheAges, sources: CacheSources<T>): void {
    if (Date.now() - this.#failedAt < retryMs || this.peek(ages)?.tier === "memory") return;
    void this.#begin(ages, sources);
  }

  /** Starts the check after the reply was sent, because opening a driver and building a query would delay it. */
  async #revalidateSoon(ages: CacheAges, sources: CacheSources<T>): Promise<void> {
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
    this.revalidate(ages, sources);
  }

  /** Caches a value that is known to be current. */
  set(value: T, checkedAt = Date.now()): void {
    this.#held = { value, checkedAt };
  }

  /** The check that runs, or a new one. */
  #begin(ages: CacheAges, sources: CacheSources<T>): Promise<Tier> {
    const running = this.#check;
    if (running !== undefined && Date.now() - running.begunAt < abandonedMs) return running.tier;
    const check = { tier: this.#refresh(ages, sources), begunAt: Date.now() };
    this.#check = check;
    const ended = () => {
      if (this.#check === check) this.#check = undefined;
    };
    sources.waitUntil(check.tier.then(ended, ended));
    return check.tier;
  }

  /** Waits for the running check. If the request that started it ends before the check settles, starts a new check. */
  async #settle(ages: CacheAges, sources: CacheSources<T>): Promise<Tier> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const abandoned = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, abandonedMs, undefined);
    });
    const tier = await Promise.race([this.#begin(ages, sources), abandoned]).finally(() => clearTimeout(timer));
    return tier ?? this.#settle(ages, sources);
  }

  async #refresh({ freshMs }: CacheAges, sources: CacheSources<T>): Promise<Tier> {
    if (this.#held === undefined) {
      const copy = await sources.fromKv().catch(() => null);
      if (copy !== null) {
        // KV does not say how old its copy is, so it counts as past its fresh time and is checked at once.
        this.set(copy, Date.now() - freshMs);
        return "kv";
      }
    }
    try {
      this.set(await sources.fetchOrigin(this.#held?.value));
      return "origin";
    } catch (error) {
      this.#failedAt = Date.now();
      throw error;
    }
  }
}
