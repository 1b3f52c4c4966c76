import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Ctx } from "../../src/context.ts";
import { consumeDeadJobs, consumeJobs, type Handler } from "../../src/kit/queue/consumer.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "./api.ts";
import { createTestContexts, testBindings } from "./in-process-context.ts";
import { MemoryBucket } from "./memory-bucket.ts";
import { createUser } from "./users.ts";
import { VirtualQueue } from "./virtual-queue.ts";

export type HarnessOptions = {
  /** The background jobs that the harness runs. */
  handlers?: readonly Handler<Ctx>[];
  /** Bindings and vars beside those of the harness. */
  bindings?: () => Record<string, unknown> | Promise<Record<string, unknown>>;
  /** How long queue, bucket, contexts and user last: for one test (default), or for all tests of the file, as the database does. */
  lifetime?: "test" | "file";
};

/** Runs services in the process of the test, on a Postgres of their own, with a queue and a bucket in memory. */
export class ServiceHarness {
  database!: TestDatabase;
  bridge!: Awaited<ReturnType<typeof startStoppableBridge>>;
  events!: ReturnType<typeof createTestContexts>;
  queue!: VirtualQueue;
  dead!: VirtualQueue;
  bucket!: MemoryBucket;
  ctx!: Ctx;
  userId!: number;
  readonly #options: HarnessOptions;

  constructor(options: HarnessOptions) {
    this.#options = options;
  }

  /** Opens the database, and everything else. */
  async open(): Promise<void> {
    this.database = await openTestDatabase();
    this.bridge = await startStoppableBridge(this.database);
    await this.reset();
  }

  /** Replaces everything but the database: queue, bucket, contexts and user. */
  async reset(): Promise<void> {
    this.queue = new VirtualQueue("spiritforge-jobs");
    this.dead = new VirtualQueue("spiritforge-jobs-dead");
    this.bucket = new MemoryBucket();
    const USER_HUB = { getByName: () => ({ push: async () => undefined }) };
    const bindings = { JOBS: this.queue, DEAD_JOBS: this.dead, FILES: this.bucket, USER_HUB };
    this.events = createTestContexts(testBindings(this.bridge.url, { ...bindings, ...(await this.#options.bindings?.()) }));
    this.ctx = this.events.context("test");
    this.userId = (await createUser(this)).id;
  }

  async close(): Promise<void> {
    await this.bridge.stopPostgres();
    await this.database.close();
  }

  /** Delivers the jobs that are due within so many seconds. */
  async deliver(seconds = 0): Promise<void> {
    await this.events.settled();
    await this.queue.run(this.#consume, { until: this.queue.now + seconds });
    await this.events.settled();
  }

  /** Runs all jobs, retries and those that they enqueue included, and stores the jobs that failed for good. */
  async work(): Promise<void> {
    await this.events.settled();
    for (let round = 0; round < 20 && this.queue.size > 0; round += 1) await this.deliver(4 * 3_600);
    await this.dead.run((batch) => consumeDeadJobs(batch, this.events.context("dead")));
  }

  /** Does work, and counts its round trips to Postgres. */
  async tripsOf<T>(work: () => Promise<T>): Promise<{ value: T; trips: number }> {
    await this.events.settled();
    const before = this.bridge.roundTrips();
    const value = await work();
    return { value, trips: this.bridge.roundTrips() - before };
  }

  /** The only row of a query. */
  async one(text: string, values: unknown[] = []): Promise<Record<string, unknown>> {
    const rows = await this.database.sql(text, values);
    if (rows.length !== 1) throw new Error(`${rows.length} rows of: ${text}`);
    return rows[0]!;
  }

  readonly #consume = (batch: MessageBatch): Promise<void> =>
    consumeJobs<Ctx>(batch, {
      handlers: this.#options.handlers ?? [],
      contextOf: (name, requestId) => this.events.context(name, requestId),
      dead: this.dead,
    });
}

/** A harness for all tests of a file. */
export function useServiceHarness(options: HarnessOptions = {}): ServiceHarness {
  const harness = new ServiceHarness(options);
  beforeAll(() => harness.open());
  if (options.lifetime !== "file") beforeEach(() => harness.reset());
  afterAll(() => harness.close());
  return harness;
}
