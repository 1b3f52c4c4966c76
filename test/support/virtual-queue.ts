import { watchAll } from "./canary.ts";

type Waiting = { id: string; body: unknown; attempts: number; at: number };

/** What became of one delivery. */
export type Delivery = { body: unknown; attempts: number; outcome: "ack" | "retry" | "lost"; delaySeconds: number };

type Outcomes = Map<Waiting, Pick<Delivery, "outcome" | "delaySeconds">>;

/**
 * A queue in memory with a clock of its own: messages come at least once, in any order, and again after the delay that their consumer
 * asked for.
 */
export class VirtualQueue {
  /** Seconds. */
  now = 0;
  readonly deliveries: Delivery[] = [];
  readonly #name: string;
  readonly #waiting: Waiting[] = [];
  #sent = 0;

  constructor(name: string) {
    this.#name = name;
  }

  async send(body: unknown): Promise<void> {
    const sent = JSON.stringify(body);
    watchAll("a queued message", sent);
    this.#sent += 1;
    this.#waiting.push({ id: `m${this.#sent}`, body: JSON.parse(sent) as unknown, attempts: 0, at: this.now });
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Has each waiting message once more, and all of them in another order. */
  duplicateAndShuffle(random: () => number): void {
    this.#waiting.push(...this.#waiting.map((message) => ({ ...message })));
    for (let i = this.#waiting.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [this.#waiting[i], this.#waiting[j]] = [this.#waiting[j]!, this.#waiting[i]!];
    }
  }

  /**
   * Delivers what is due, until nothing is, up to a time. A consumer that throws has not settled its batch: it comes again.
   * @param batchSize how many come at once
   */
  async run(consume: (batch: MessageBatch) => Promise<void>, { until = this.now, batchSize = 5 } = {}): Promise<void> {
    for (;;) {
      const due = this.#waiting.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
      if (due.length === 0) break;
      this.now = Math.max(this.now, due[0]!.at);
      const batch = due.filter(({ at }) => at <= this.now).slice(0, batchSize);
      for (const message of batch) this.#waiting.splice(this.#waiting.indexOf(message), 1);
      await this.#deliver(batch, consume);
    }
    this.now = Math.max(this.now, until);
  }

  /** Delivers what is due to a consumer that never settles it, and loses the messages, as a killed process does. */
  lose(consume: (batch: MessageBatch) => unknown): void {
    const due = this.#waiting.filter(({ at }) => at <= this.now);
    for (const message of due) this.#waiting.splice(this.#waiting.indexOf(message), 1);
    if (due.length > 0) consume(this.#batchOf(due, new Map()));
  }

  async #deliver(batch: Waiting[], consume: (batch: MessageBatch) => Promise<void>): Promise<void> {
    const outcomes: Outcomes = new Map();
    let killed = false;
    await consume(this.#batchOf(batch, outcomes)).catch(() => (killed = true));
    for (const waiting of batch) {
      const settled = killed ? undefined : outcomes.get(waiting);
      const { outcome, delaySeconds } = settled ?? { outcome: "lost" as const, delaySeconds: 0 };
      const attempts = waiting.attempts + 1;
      this.deliveries.push({ body: waiting.body, attempts, outcome, delaySeconds });
      if (outcome !== "ack") this.#waiting.push({ ...waiting, attempts, at: this.now + delaySeconds });
    }
  }

  #batchOf(batch: Waiting[], outcomes: Outcomes): MessageBatch {
    const messages = batch.map((waiting) => ({
      id: waiting.id,
      timestamp: new Date(),
      body: waiting.body,
      attempts: waiting.attempts + 1,
      ack: () => void outcomes.set(waiting, { outcome: "ack", delaySeconds: 0 }),
      retry: ({ delaySeconds = 0 } = {}) => void outcomes.set(waiting, { outcome: "retry", delaySeconds }),
    }));
    return { queue: this.#name, messages } as unknown as MessageBatch;
  }
}
