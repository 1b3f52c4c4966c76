import { AppError } from "../errors.ts";

type Waiter = { lastPolledAt: number };

/** Milliseconds between two looks at the slots. */
const pollMs = 15;

/** Milliseconds after which a waiter that looked no more is taken for dead; one that was only held up queues again. */
const waiterDeadMs = 500;

/**
 * Lets at most `slots` pieces of work run at once in an isolate, in the order they came, while at most `maxWaiting` wait.
 *
 * Waiters look for themselves instead of being called: the runtime drops a request whose client has left without running
 * its `finally`, and a slot handed to such a waiter, or held by such a request, would be lost for ever.
 */
export class Semaphore {
  readonly #slots: number;
  readonly #maxWaiting: number;
  readonly #leaseMs: number;
  /** When each holder took its slot. */
  readonly #holders = new Map<symbol, number>();
  readonly #waiters: Waiter[] = [];

  /** @param leaseMs how long work can take, in milliseconds: its slot is free again after that, whatever became of it */
  constructor(slots: number, maxWaiting: number, leaseMs = 2_000) {
    this.#slots = slots;
    this.#maxWaiting = maxWaiting;
    this.#leaseMs = leaseMs;
  }

  /** Runs `work` when a slot is free. @throws rate_limited if too many wait already; what `work` throws */
  async run<T>(work: () => T | Promise<T>): Promise<T> {
    const slot = Symbol("slot");
    await this.#take(slot);
    try {
      return await work();
    } finally {
      this.#holders.delete(slot);
    }
  }

  async #take(slot: symbol): Promise<void> {
    this.#evictExpired();
    if (this.#waiters.length === 0 && this.#hold(slot)) return;
    if (this.#waiters.length >= this.#maxWaiting) {
      throw new AppError("rate_limited", "The server is busy. Try again in a moment.", {
        headers: { "retry-after": "1" },
      });
    }
    const waiter = { lastPolledAt: Date.now() };
    this.#waiters.push(waiter);
    do {
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      waiter.lastPolledAt = Date.now();
      this.#evictExpired();
      if (!this.#waiters.includes(waiter)) this.#waiters.push(waiter);
    } while (this.#waiters[0] !== waiter || !this.#hold(slot));
    this.#waiters.shift();
  }

  #hold(slot: symbol): boolean {
    if (this.#holders.size >= this.#slots) return false;
    this.#holders.set(slot, Date.now());
    return true;
  }

  #evictExpired(): void {
    const now = Date.now();
    for (const [slot, since] of this.#holders) if (now - since > this.#leaseMs) this.#holders.delete(slot);
    const alive = this.#waiters.filter(({ lastPolledAt }) => now - lastPolledAt <= waiterDeadMs);
    this.#waiters.splice(0, this.#waiters.length, ...alive);
  }
}
