import { eq, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { assertAllInTransaction, type Statement } from "../../kit/db/commit.ts";
import type { UpdateStrategy } from "../constants.ts";
import { knowledgeBases, knowledgeBuildParts, knowledgeBuilds, knowledgeParts } from "../tables.ts";
import type { EmbeddedBy } from "./embedder.ts";

export type Part = Pick<
  typeof knowledgeParts.$inferSelect,
  "id" | "dataset_id" | "strategy" | "chunk_size" | "chunk_overlap" | "last_row" | "chunk_count" | "analyzed_count"
>;

/** A build, and what is left of it. */
export type BuildState = EmbeddedBy & {
  build_id: number;
  base_id: number;
  base_name: string;
  update_strategy: UpdateStrategy;
  failures: number;
  chunk_count: number;
  /** The parts of the active build, whose vectors can be reused. */
  active_parts: number[];
  /** The incomplete parts, in order. */
  parts: Part[];
};

/** Reads a build that has this status. */
export async function readBuildState(
  { db }: Ctx,
  buildId: number,
  status: "building" | "failed" = "building",
): Promise<BuildState | undefined> {
  const { rows } = await db.execute<BuildState>(sql`
    select d.id as build_id, d.update_strategy, d.failures, b.id as base_id, b.name as base_name, b.user_id, b.embedding_model, b.dimensions,
      (select coalesce(json_agg(part_id), '[]') from ${knowledgeBuildParts} where build_id = b.active_build_id) as active_parts,
      coalesce(sum(p.chunk_count), 0)::int as chunk_count,
      coalesce(json_agg(json_build_object('id', p.id, 'dataset_id', p.dataset_id, 'strategy', p.strategy, 'chunk_size', p.chunk_size,
        'chunk_overlap', p.chunk_overlap, 'last_row', p.last_row, 'chunk_count', p.chunk_count, 'analyzed_count', p.analyzed_count) order by bp.position)
        filter (where p.completed_at is null and p.id is not null), '[]') as parts
    from ${knowledgeBuilds} d join ${knowledgeBases} b on b.id = d.knowledge_base_id
      left join ${knowledgeBuildParts} bp on bp.build_id = d.id left join ${knowledgeParts} p on p.id = bp.part_id
    where d.id = ${buildId} and d.status = ${status}
    group by d.id, b.id`);
  return rows[0];
}

/** Asserts that the build still exists and is running. */
export function stillBuilding({ db }: Ctx, { build_id }: BuildState, more: Record<string, SQL> = {}): Statement {
  const isBuilding = sql`exists (select from ${knowledgeBuilds} where ${eq(knowledgeBuilds.id, build_id)} and ${knowledgeBuilds.status} = 'building')`;
  return assertAllInTransaction(db, { knowledge_build_over: isBuilding, ...more });
}
