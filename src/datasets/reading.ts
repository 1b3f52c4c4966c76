import { and, eq, inArray, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db.ts";
import { AppError } from "../kit/errors.ts";
import { datasets, datasetUses } from "./tables.ts";

/** A row of a dataset, as it was parsed and refined. */
export type Row = {
  index: number;
  kind: string;
  text: string;
  fields: Record<string, unknown> | null;
  source: string;
  start: number;
  hash: string;
  dropped: string | null;
};

/** A query of `id` and `name` of those datasets that a user may read, and that are ready. */
export function usableDatasets(userId: number, ids: readonly number[]): SQL {
  const theirs = or(eq(datasets.user_id, userId), datasets.is_public);
  const condition = and(inArray(datasets.id, [...ids]), eq(datasets.processing_status, "ready"), theirs);
  return sql`select ${datasets.id}, ${datasets.name} from ${datasets} where ${condition}`;
}

/** The statement that keeps datasets from being deleted while `usedBy` uses them. */
export function useDatasets({ db }: Pick<Ctx, "db">, ids: readonly number[], usedBy: SQL): Statement {
  return db
    .insert(datasetUses)
    .values(ids.map((dataset_id) => ({ dataset_id, used_by: sql<string>`${usedBy}` })))
    .onConflictDoNothing();
}

/** The statement that lets go of the datasets that `usedBy` uses. */
export function releaseDatasets({ db }: Pick<Ctx, "db">, usedBy: SQL): Statement {
  return db.delete(datasetUses).where(sql`${datasetUses.used_by} = ${usedBy}`);
}

/**
 * The rows of a dataset, in order, one part in memory at a time.
 * @param after the last index seen
 * @throws not_found for a dataset that is gone; files_unavailable
 */
export async function* readRows(
  ctx: Ctx,
  datasetId: number,
  { after = -1, includeDropped = false }: { after?: number; includeDropped?: boolean } = {},
): AsyncGenerator<Row> {
  const [dataset] = await ctx.db.select({ parts: datasets.parts }).from(datasets).where(eq(datasets.id, datasetId));
  if (dataset === undefined) throw new AppError("not_found", "The dataset is no more.");
  let first = 0;
  for (const { key, rows } of dataset.parts) {
    first += rows;
    if (first - 1 <= after) continue;
    for (const line of (await partAt(ctx, key)).split("\n")) {
      if (line === "") continue;
      const row = JSON.parse(line) as Row;
      if (row.index > after && (includeDropped || row.dropped === null)) yield row;
    }
  }
}

async function partAt({ env }: Ctx, key: string): Promise<string> {
  let object: R2ObjectBody | null;
  try {
    object = await env.FILES.get(key);
  } catch (cause) {
    throw new AppError("files_unavailable", "The rows of a dataset cannot be read.", { cause });
  }
  if (object === null) throw new AppError("not_found", "Rows of the dataset are missing.");
  return object.text();
}
