import { sql } from "drizzle-orm";
import { beforeAll } from "vitest";
import type { Ctx } from "../../../src/context.ts";
import { handleJob, type Handler } from "../../../src/kit/queue/handler.ts";
import type { Row } from "../../../src/knowledge/indexing/chunk-batches.ts";
import { indexKnowledgeBase, sweepKnowledgeBase } from "../../../src/knowledge/job-definitions.ts";
import { giveUpBuild, reopenBuild } from "../../../src/knowledge/indexing/fail-build.ts";
import { resumeBuild } from "../../../src/knowledge/indexing/run-build.ts";
import type { BlockLimits } from "../../../src/knowledge/indexing/write-postings.ts";
import { sweepBase } from "../../../src/knowledge/service.ts";
import type { DatasetSource } from "../../../src/knowledge/indexing/start-build.ts";
import { useServiceHarness, type HarnessOptions, type ServiceHarness } from "../../support/service-harness.ts";

/** Datasets in memory, which are indexed from there. */
type MemoryDatasets = {
  /** The texts of each dataset, by its id. */
  texts: Record<number, string[]>;
  /** The rows that were read, by dataset, in order. */
  read: string[];
  /** Called before a row is read. It may throw as a consumer dies. */
  beforeRow(row: string): unknown;
  limits: { ms: number; chunks: number; block?: BlockLimits };
  datasets: DatasetSource;
  handlers: readonly Handler<Ctx>[];
};

export type IndexHarness = ServiceHarness & MemoryDatasets;

/** A service harness that indexes datasets in memory. */
export function useIndexHarness(bindings: HarnessOptions["bindings"] = () => ({})): IndexHarness {
  const handlers = [
    handleJob(
      indexKnowledgeBase,
      (ctx: Ctx, payload) => resumeBuild(ctx, payload, harness.datasets, { limits: harness.limits }),
      {
        onGiveUp: (ctx, payload, reason) => giveUpBuild(ctx, payload, reason, harness.datasets),
        onReplay: (ctx, payload) => reopenBuild(ctx, payload, harness.datasets),
      },
    ),
    handleJob(sweepKnowledgeBase, (ctx: Ctx, { knowledge_base_id }) => sweepBase(ctx, knowledge_base_id)),
  ];
  const service = useServiceHarness({ handlers, bindings, lifetime: "file" });
  const harness: IndexHarness = Object.assign(service, memoryDatasets());
  beforeAll(() => harness.database.sql("create table test_uses (dataset_id int, used_by text)"));
  return harness;

  function memoryDatasets(): MemoryDatasets {
    return {
      handlers,
      texts: {},
      read: [],
      beforeRow: () => undefined,
      limits: { ms: 60_000, chunks: 5_000 },
      datasets: {
        readRows: (_ctx, datasetId, { after }) => rowsOf(harness, datasetId, after),
        readable: (_userId, ids) => {
          const there = ids.filter((id) => id in harness.texts);
          return sql`select id, 'dataset ' || id as name from unnest(${`{${there.join(",")}}`}::int[]) id`;
        },
        lock: ({ db }, ids, usedBy) =>
          db.execute(sql`insert into test_uses select id, ${usedBy} from unnest(${`{${ids.join(",")}}`}::int[]) id`),
        unlock: ({ db }, usedBy) => db.execute(sql`delete from test_uses where used_by = ${usedBy}`),
      },
    };
  }
}

async function* rowsOf(harness: MemoryDatasets, datasetId: number, after: number): AsyncGenerator<Row> {
  for (const [index, text] of harness.texts[datasetId]!.entries()) {
    if (index <= after) continue;
    const row = `${datasetId}:${index}`;
    await harness.beforeRow(row);
    harness.read.push(row);
    yield { index, kind: "text", text, fields: { index }, source: `rows-${datasetId}.csv#${index + 1}`, start: 0 };
  }
}
