import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { enqueueJobWithSql } from "../kit/queue/outbox.ts";
import { reindexDataset } from "./job-definitions.ts";
import { ownKnowledgeBase } from "./queries.ts";
import { datasets } from "./indexing/dataset-source.ts";
import { datasetLockName } from "./indexing/start-build.ts";
import { knowledgeBases, knowledgeBuilds, knowledgeParts } from "./tables.ts";

const resourceName = /^knowledge-base:(\d{1,9})$/;

/** Checks whether a user owns this knowledge base. One round trip. */
export function ownsResource(ctx: Ctx, userId: number, resource: string): Promise<boolean> | undefined {
  const [, id] = resourceName.exec(resource) ?? [];
  if (id === undefined) return undefined;
  const found = ctx.db
    .select({ id: knowledgeBases.id })
    .from(knowledgeBases)
    .where(ownKnowledgeBase(userId, Number(id)));
  return found.then((rows) => rows.length > 0);
}

/** Enqueues new builds of the knowledge bases that hold a dataset whose rows change. */
export function onDatasetChanged(ctx: Ctx, datasetId: number, userId: number): Statement[] {
  const payload = sql`jsonb_build_object('dataset_id', ${datasetId}::int, 'user_id', ${userId}::int, 'changed_at', now())`;
  return [enqueueJobWithSql(ctx, reindexDataset, payload, userId)];
}

/** Exports the data of a user. Chunk texts are part of the export of the datasets. */
export function exportUser({ db }: Ctx, userId: number): Record<string, Statement> {
  const theirs = eq(knowledgeBases.user_id, userId);
  const of = (table: typeof knowledgeBuilds | typeof knowledgeParts) =>
    db
      .select()
      .from(table)
      .where(sql`${table.knowledge_base_id} in (select id from ${knowledgeBases} where ${theirs})`);
  return {
    knowledge_bases: db.select().from(knowledgeBases).where(theirs),
    knowledge_builds: of(knowledgeBuilds),
    knowledge_parts: of(knowledgeParts),
  };
}

/** Deletes the knowledge bases of a user before their embedding models, and unlocks the datasets of running builds. Other rows cascade. */
export async function eraseUser(ctx: Ctx, userId: number): Promise<Statement[]> {
  const theirs = eq(knowledgeBases.user_id, userId);
  return [
    datasets.unlock(ctx, sql`any (select ${datasetLockName(sql`id`)} from ${knowledgeBases} where ${theirs})`),
    ctx.db.delete(knowledgeBases).where(theirs),
  ];
}
