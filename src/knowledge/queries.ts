import { and, eq, getTableColumns, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Base, Build } from "./schemas.ts";
import { knowledgeBases, knowledgeBuildParts, knowledgeBuilds, knowledgeParts } from "./tables.ts";

/** The condition that selects one knowledge base of a user. */
export function ownKnowledgeBase(userId: number, baseId: number | SQL): SQL {
  return and(eq(knowledgeBases.user_id, userId), sql`${knowledgeBases.id} = ${baseId}`)!;
}

type BuildRow = Omit<Build, "created_at" | "finished_at" | "is_active"> & { created_at: string; finished_at: string | null };

// The nested `sql` keeps the table names of the columns.
const datasets = sql<Base["datasets"]>`(${sql`
  select coalesce(json_agg(json_build_object('dataset_id', ${knowledgeParts.dataset_id}, 'name', ${knowledgeParts.name},
    'chunk_count', ${knowledgeParts.chunk_count}, 'strategy', ${knowledgeParts.strategy}, 'chunk_size', ${knowledgeParts.chunk_size},
    'chunk_overlap', ${knowledgeParts.chunk_overlap}) order by ${knowledgeBuildParts.position}), '[]')
  from ${knowledgeBuildParts} join ${knowledgeParts} on ${knowledgeParts.id} = ${knowledgeBuildParts.part_id}
  where ${knowledgeBuildParts.build_id} = ${knowledgeBases.active_build_id}`})`;

const newestBuild = sql<BuildRow | null>`(${sql`
  select json_build_object('id', ${knowledgeBuilds.id}, 'status', ${knowledgeBuilds.status},
    'update_strategy', ${knowledgeBuilds.update_strategy}, 'error', ${knowledgeBuilds.error},
    'created_at', ${knowledgeBuilds.created_at}, 'finished_at', ${knowledgeBuilds.finished_at},
    'datasets_done', count(${knowledgeParts.completed_at}), 'datasets_total', count(${knowledgeParts.id}),
    'chunk_count', coalesce(sum(${knowledgeParts.chunk_count}), 0), 'reused_count', coalesce(sum(${knowledgeParts.reused_count}), 0))
  from ${knowledgeBuilds} left join ${knowledgeBuildParts} on ${knowledgeBuildParts.build_id} = ${knowledgeBuilds.id}
    left join ${knowledgeParts} on ${knowledgeParts.id} = ${knowledgeBuildParts.part_id}
  where ${knowledgeBuilds.knowledge_base_id} = ${knowledgeBases.id}
  group by ${knowledgeBuilds.id} order by ${knowledgeBuilds.id} desc limit 1`})`;

/** Selects a user's knowledge bases that match a condition, each with its datasets and its newest build. */
export function selectBases(ctx: Pick<Ctx, "db">, userId: number, condition?: SQL) {
  return ctx.db
    .select({ ...getTableColumns(knowledgeBases), datasets, build: newestBuild })
    .from(knowledgeBases)
    .where(and(eq(knowledgeBases.user_id, userId), condition));
}

export type BaseRow = Awaited<ReturnType<typeof selectBases>>[number];

/** Converts a row to the knowledge base that clients see. */
export function baseOf({
  user_id: _owner,
  external_model_id: _model,
  active_build_id,
  previous_build_id,
  build,
  ...columns
}: BaseRow): Base {
  return {
    ...columns,
    chunk_count: columns.datasets.reduce((sum, { chunk_count }) => sum + chunk_count, 0),
    build:
      build === null
        ? null
        : {
            ...build,
            is_active: build.id === active_build_id,
            created_at: new Date(build.created_at),
            finished_at: build.finished_at === null ? null : new Date(build.finished_at),
          },
    can_roll_back: previous_build_id !== null,
  };
}
