import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Ctx } from "../../../src/context.ts";
import { datasetJobs } from "../../../src/datasets/jobs.ts";
import { listRows } from "../../../src/datasets/service.ts";
import { consumeDeadJobs, consumeJobs } from "../../../src/kit/queue/consumer.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "../../support/api.ts";
import { openEvents, testBindings } from "../../support/in-process-context.ts";
import { MemoryBucket } from "../../support/memory-bucket.ts";
import { makePerson } from "../../support/users.ts";
import { VirtualQueue } from "../../support/virtual-queue.ts";

/** Where imports run in this process: a Postgres for all tests of a file, and for each a person, a queue and a store of its own. */
export class Yard {
  database!: TestDatabase;
  bridge!: Awaited<ReturnType<typeof startStoppableBridge>>;
  events!: ReturnType<typeof openEvents>;
  bucket!: MemoryBucket;
  queue!: VirtualQueue;
  dead!: VirtualQueue;
  ctx!: Ctx;
  userId!: number;

  readonly consume = (batch: MessageBatch): Promise<void> =>
    consumeJobs<Ctx>(batch, {
      handlers: datasetJobs,
      contextOf: (name, id) => this.events.context(name, id),
      dead: this.dead,
    });

  async begin(vars: Record<string, unknown>): Promise<void> {
    this.bucket = new MemoryBucket();
    this.queue = new VirtualQueue("spiritforge-jobs");
    this.dead = new VirtualQueue("spiritforge-jobs-dead");
    const USER_HUB = { getByName: () => ({ tell: async () => undefined }) };
    const bindings = { FILES: this.bucket, JOBS: this.queue, DEAD_JOBS: this.dead, USER_HUB, ...vars };
    this.events = openEvents(testBindings(this.bridge.url, bindings));
    this.ctx = this.events.context("test");
    this.userId = (await makePerson(this)).id;
  }

  /** Delivers what is due in so many seconds. */
  async deliver(seconds = 0): Promise<void> {
    await this.events.settled();
    await this.queue.run(this.consume, { until: this.queue.now + seconds });
    await this.events.settled();
  }

  /** Lets the jobs run that are due, or will be in the next hours. */
  async work(): Promise<void> {
    await this.events.settled();
    for (let round = 0; round < 20 && this.queue.size > 0; round += 1) await this.deliver(4 * 3_600);
    await this.dead.run((batch) => consumeDeadJobs(batch, this.events.context("dead")));
  }

  async stateOf(id: number): Promise<Record<string, unknown>> {
    const [row] = await this.database.sql("select * from datasets where id = $1", [id]);
    return row!;
  }

  async rowsOf(id: number) {
    const rows = [];
    let cursor: number | undefined;
    do {
      const page = await listRows(this.ctx, this.userId, id, { limit: 100, cursor, kept: false });
      rows.push(...page.items);
      cursor = page.next_cursor === undefined ? undefined : Number(page.next_cursor);
    } while (cursor !== undefined);
    return rows;
  }
}

/** A yard for all the tests of a file. @param vars what the Worker is told beside */
export function useYard(vars: () => Record<string, unknown> = () => ({})): Yard {
  const yard = new Yard();
  beforeAll(async () => {
    yard.database = await openTestDatabase();
    yard.bridge = await startStoppableBridge(yard.database);
  });
  beforeEach(() => yard.begin(vars()));
  afterAll(async () => {
    await yard.bridge.stopPostgres();
    await yard.database.close();
  });
  return yard;
}
