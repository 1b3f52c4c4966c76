import { and, eq, getTableColumns, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Dataset } from "./schemas.ts";
import { datasetFavorites, datasets } from "./tables.ts";
import { AppError } from "../kit/errors.ts";

/** One dataset of a user. */
export function ownDataset(userId: number, datasetId: number): SQL {
  return and(eq(datasets.user_id, userId), eq(datasets.id, datasetId))!;
}

/** Matches the datasets that everyone may read: the public ones that are ready. */
export const isShared = and(datasets.is_public, eq(datasets.processing_status, "ready"))!;

/** Matches the datasets that a user may read: their own, and the public ones that are ready. */
export function readable(userId: number): SQL {
  return or(eq(datasets.user_id, userId), isShared)!;
}

/** Selects the readable datasets that match a condition, with the user's favorite flag. */
export function selectDatasets({ db }: Pick<Ctx, "db">, userId: number, condition?: SQL) {
  const is_favorite = sql<boolean>`exists (${sql`
    select from ${datasetFavorites} where ${datasetFavorites.dataset_id} = ${datasets.id} and ${datasetFavorites.user_id} = ${userId}`})`;
  const { folder: _, files: __, parts: ___, report: ____, hub: _____, ...columns } = getTableColumns(datasets);
  return db
    .select({ ...columns, is_favorite })
    .from(datasets)
    .where(and(readable(userId), condition));
}

export type DatasetRow = Awaited<ReturnType<typeof selectDatasets>>[number];

/** The error for a dataset that does not exist or that the user may not read. */
export const missing = () => new AppError("not_found", "Dataset not found.");

/** A dataset that the user may read. One round trip. @throws not_found */
export async function getDataset(ctx: Ctx, userId: number, id: number): Promise<DatasetRow> {
  const [row] = await selectDatasets(ctx, userId, eq(datasets.id, id));
  if (row === undefined) throw missing();
  return row;
}

/** The reply shape of a dataset. */
export function datasetOf(
  { user_id, website, last_refreshed_at, next_refresh_at, ...row }: DatasetRow,
  userId: number,
): Dataset {
  return {
    ...row,
    website: website && {
      url: website.url,
      kind: website.kind,
      refresh: website.refresh,
      is_refreshing: website.next_run !== null,
      error: website.error,
      last_refreshed_at,
      next_refresh_at,
    },
    sampleCount: row.sample_count,
    is_verified: row.processing_status === "ready",
    is_global: row.is_public,
    is_mine: user_id === userId,
    file_path: `/api/v2/datasets/${row.id}/download`,
  };
}
