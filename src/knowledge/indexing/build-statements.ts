import { and, eq, notExists, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import type { Statement } from "../../kit/db/commit.ts";
import { enqueueJob } from "../../kit/queue/outbox.ts";
import type { UpdateStrategy } from "../constants.ts";
import { sweepKnowledgeBase } from "../job-definitions.ts";
import { ownKnowledgeBase } from "../queries.ts";
import { knowledgeBases, knowledgeBuildParts, knowledgeBuilds, knowledgeParts } from "../tables.ts";

/** The statements that create, activate and delete builds. Every commit locks the knowledge base first. */

/** The ID of the build that the current commit inserted. */
export const newBuild = sql<number>`currval(pg_get_serial_sequence('knowledge_builds', 'id'))::int`;

export const lockBase = (ctx: Ctx, ownBase: SQL): Statement =>
  ctx.db.select({ id: knowledgeBases.id }).from(knowledgeBases).where(ownBase).for("no key update");

export const baseExists = (ownBase: SQL): SQL => sql`exists (select from ${knowledgeBases} where ${ownBase})`;

export const hasNoRunningBuild = (baseId: number): SQL =>
  sql`not exists (select from ${knowledgeBuilds} where ${eq(knowledgeBuilds.knowledge_base_id, baseId)} and ${knowledgeBuilds.status} = 'building')`;

export function buildRow(
  { db }: Ctx,
  build: { knowledge_base_id: number; update_strategy: UpdateStrategy; status?: "complete" },
): Statement {
  return db.insert(knowledgeBuilds).values({ ...build, ...(build.status === undefined ? {} : { finished_at: sql`now()` }) });
}

/** Adds the parts of the active build to the new build, except the parts that match `but`. */
export function copyActiveParts({ db }: Ctx, baseId: number, but: SQL = sql`false`): Statement {
  return db.execute(sql`
    insert into ${knowledgeBuildParts} (build_id, part_id, position)
    select ${newBuild}, p.id, row_number() over (order by bp.position)
    from ${knowledgeBases} b join ${knowledgeBuildParts} bp on bp.build_id = b.active_build_id
      join ${knowledgeParts} p on p.id = bp.part_id
    where b.id = ${baseId} and not (${but})`);
}

/** Activates a complete build and keeps the previous one. Older builds are deleted, and a job deletes their unused parts. */
export function activateBuild(ctx: Ctx, userId: number, baseId: number, buildId: number | SQL): Statement[] {
  const ownBase = ownKnowledgeBase(userId, baseId);
  return [
    ctx.db
      .update(knowledgeBases)
      .set({
        active_build_id: sql`${buildId}`,
        previous_build_id: sql`${knowledgeBases.active_build_id}`,
        updated_at: sql`now()`,
      })
      .where(ownBase),
    ctx.db.execute(sql`
      delete from ${knowledgeBuilds} where ${eq(knowledgeBuilds.knowledge_base_id, baseId)} and id not in (
        select unnest(array[active_build_id, coalesce(previous_build_id, active_build_id)]) from ${knowledgeBases} where ${ownBase})`),
    enqueueJob(ctx, sweepKnowledgeBase, { knowledge_base_id: baseId }, userId),
  ];
}

/** Deletes the parts of a knowledge base that no build uses, with their chunks. */
export function deleteUnusedParts({ db }: Ctx, baseId: number): Statement {
  const uses = db.select().from(knowledgeBuildParts).where(eq(knowledgeBuildParts.part_id, knowledgeParts.id));
  return db.delete(knowledgeParts).where(and(eq(knowledgeParts.knowledge_base_id, baseId), notExists(uses)));
}
