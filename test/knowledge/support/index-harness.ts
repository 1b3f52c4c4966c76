import { sql } from "drizzle-orm";
import { afterAll, beforeAll } from "vitest";
import type { Ctx } from "../../../src/context.ts";
import { consumeDeadJobs, consumeJobs, doing, type Handler } from "../../../src/kit/queue/consumer.ts";
import type { Row } from "../../../src/knowledge/indexing/chunk-batches.ts";
import { indexKnowledgeBase, sweepKnowledgeBase } from "../../../src/knowledge/indexing/build-statements.ts";
import { goOnIndexing } from "../../../src/knowledge/indexing/run-build.ts";
import { sweepBase } from "../../../src/knowledge/service.ts";
import type { Datasets } from "../../../src/knowledge/indexing/start-build.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "../../support/api.ts";
import { openEvents, testBindings } from "../../support/in-process-context.ts";
import { VirtualQueue } from "../../support/virtual-queue.ts";

/** A Postgres, a queue, and datasets in memory, whose rows may be kept from being read. */
export class House {
  database!: TestDatabase;
  bridge!: Awaited<ReturnType<typeof startStoppableBridge>>;
  queue!: VirtualQueue;
  dead!: VirtualQueue;
  events!: ReturnType<typeof openEvents>;
  ctx!: Ctx;
  /** The texts of each dataset, by its number. */
  texts: Record<number, string[]> = {};
  /** Which rows were read, by dataset, in order. */
  read: string[] = [];
  /** Called before a row is read: may throw as a consumer dies. */
  beforeRow: (row: string) => unknown = () => undefined;
  limits = { ms: 60_000, chunks: 5_000 };

  /** @param vars what the Worker is told beside */
  async open(vars: Record<string, unknown> = {}): Promise<void> {
    this.database = await openTestDatabase();
    this.bridge = await startStoppableBridge(this.database);
    this.queue = new VirtualQueue("spiritforge-jobs");
    this.dead = new VirtualQueue("spiritforge-jobs-dead");
    const USER_HUB = { getByName: () => ({ tell: async () => undefined }) };
    const bindings = { JOBS: this.queue, DEAD_JOBS: this.dead, USER_HUB };
    this.events = openEvents(testBindings(this.bridge.url, { ...bindings, ...vars }));
    this.ctx = this.events.context("test");
    await this.database.sql("create table test_uses (dataset_id int, used_by text)");
  }

  async close(): Promise<void> {
    await this.bridge.stopPostgres();
    await this.database.close();
  }

  readonly datasets: Datasets = {
    readRows: (_ctx, datasetId, { after }) => this.#rowsOf(datasetId, after),
    usable: (_userId, ids) => {
      const there = ids.filter((id) => id in this.texts);
      return sql`select id, 'dataset ' || id as name from unnest(${`{${there.join(",")}}`}::int[]) id`;
    },
    use: ({ db }, ids, usedBy) =>
      db.execute(sql`insert into test_uses select id, ${usedBy} from unnest(${`{${ids.join(",")}}`}::int[]) id`),
    release: ({ db }, usedBy) => db.execute(sql`delete from test_uses where used_by = ${usedBy}`),
  };

  async *#rowsOf(datasetId: number, after: number): AsyncGenerator<Row> {
    for (const [index, text] of this.texts[datasetId]!.entries()) {
      if (index <= after) continue;
      const row = `${datasetId}:${index}`;
      await this.beforeRow(row);
      this.read.push(row);
      yield { index, kind: "text", text, fields: { index }, source: `rows-${datasetId}.csv#${index + 1}`, start: 0 };
    }
  }

  readonly #handlers: readonly Handler<Ctx>[] = [
    doing(indexKnowledgeBase, (ctx: Ctx, told) => goOnIndexing(ctx, told, this.datasets, { limits: this.limits })),
    doing(sweepKnowledgeBase, (ctx: Ctx, { knowledge_base_id }) => sweepBase(ctx, knowledge_base_id)),
  ];

  /** Lets the jobs run that are due, or will be in the next hours. */
  async work(hours = 4): Promise<void> {
    await this.events.settled();
    const consume = (batch: MessageBatch) =>
      consumeJobs<Ctx>(batch, {
        handlers: this.#handlers,
        contextOf: (name, requestId) => this.events.context(name, requestId),
        dead: this.dead,
      });
    for (let round = 0; round < 20 && this.queue.size > 0; round += 1) {
      await this.queue.run(consume, { until: this.queue.now + hours * 3_600 });
      await this.events.settled();
    }
    await this.dead.run((batch) => consumeDeadJobs(batch, this.events.context("dead")));
  }
}

/** A house for all the tests of a file. */
export function useHouse(vars: () => Promise<Record<string, unknown>> | Record<string, unknown> = () => ({})): House {
  const house = new House();
  beforeAll(async () => house.open(await vars()));
  afterAll(() => house.close());
  return house;
}
