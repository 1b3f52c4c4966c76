import { and, eq, inArray, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import type { Statement } from "../../kit/db/commit.ts";
import { AppError } from "../../kit/errors.ts";
import type { FilteredRow } from "../cleaning/row-filter.ts";
import { withR2Errors } from "../../kit/storage/r2.ts";
import { objectAt } from "../storage.ts";
import { datasets, datasetUses, type RowsPart } from "../tables.ts";

/** A parsed row of a dataset with the result of the row filter. */
export type Row = FilteredRow["row"] & Pick<FilteredRow, "hash" | "dropped"> & { index: number };

/** Selects `id` and `name` of the datasets that a user may read and that are ready. */
export function usableDatasets(userId: number, ids: readonly number[]): SQL {
  const theirs = or(eq(datasets.user_id, userId), datasets.is_public);
  const isReady = and(eq(datasets.processing_status, "ready"), datasets.is_active);
  const condition = and(inArray(datasets.id, [...ids]), isReady, theirs);
  return sql`select ${datasets.id}, ${datasets.name} from ${datasets} where ${condition}`;
}

/** The statement that marks datasets as used by `usedBy`, which prevents their deletion, and counts the use. */
export function useDatasets({ db }: Pick<Ctx, "db">, ids: readonly number[], usedBy: SQL): Statement {
  const rows = sql.join(
    ids.map((id) => sql`(${id}::int, ${usedBy})`),
    sql`, `,
  );
  return db.execute(sql`
    with used as (insert into ${datasetUses} (dataset_id, used_by) values ${rows} on conflict do nothing returning dataset_id)
    update ${datasets} set usage_count = usage_count + 1, last_used = now() where id in (select dataset_id from used)`);
}

/** The statement that releases the datasets that `usedBy` uses. */
export function releaseDatasets({ db }: Pick<Ctx, "db">, usedBy: SQL): Statement {
  return db.delete(datasetUses).where(sql`${datasetUses.used_by} = ${usedBy}`);
}

type Reading = { after?: number; includeDropped?: boolean };

/**
 * The rows of a dataset, in order, one part in memory at a time.
 * @param after the last index seen
 * @throws not_found for a deleted dataset; files_unavailable
 */
export async function* readRows(ctx: Ctx, datasetId: number, reading: Reading = {}): AsyncGenerator<Row> {
  const [dataset] = await ctx.db.select({ parts: datasets.parts }).from(datasets).where(eq(datasets.id, datasetId));
  if (dataset === undefined) throw new AppError("not_found", "This dataset was deleted.");
  yield* readParts(ctx, dataset.parts, reading);
}

/** Same as `readRows`, for known parts. */
export async function* readParts(
  { env }: Ctx,
  parts: readonly RowsPart[],
  { after = -1, includeDropped = false }: Reading = {},
): AsyncGenerator<Row> {
  let end = 0;
  for (const { key, rows } of parts) {
    end += rows;
    if (end - 1 <= after) continue;
    const object = await objectAt(env.FILES, key);
    for (const line of (await withR2Errors(object.text())).split("\n")) {
      if (line === "") continue;
      const row = JSON.parse(line) as Row;
      if (row.index > after && (includeDropped || row.dropped === null)) yield row;
    }
  }
}
