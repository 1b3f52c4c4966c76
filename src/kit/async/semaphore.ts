import { AppError } from "../errors.ts";

type Waiter = { lastPolledAt: number };

/** Milliseconds between two checks of the slots. */
const pollMs = 15;

/** Milliseconds without a check after which a waiter counts as dead. A waiter that was only delayed queues again. */
const waiterDeadMs = 500;

/**
 * Runs at most `slots` pieces of work at once in an isolate, first in, first out. At most `maxWaiting` wait.
 *
 * Waiters poll instead of being called: the runtime drops a request of a disconnected client without running
 * its `finally`, and a slot assigned to such a request would be lost forever.
 */
export class Semaphore {
  readonly #slots: number;
  readonly #maxWaiting: number;
  readonly #leaseMs: number;
  /** When each holder took its slot. */
  readonly #holders = new Map<symbol, number>();
  readonly #waiters: Waiter[] = [];

  /** @param leaseMs the maximum duration of work, in milliseconds. After that its slot is free again */
  constructor(slots: number, maxWaiting: number, leaseMs = 2_000) {
    this.#slots = slots;
    this.#maxWaiting = maxWaiting;
    this.#leaseMs = leaseMs;
  }

  /** Runs `work` when a slot is free. @throws rate_limited if too many wait; the errors of `work` */
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
