import { and, eq, getTableColumns, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Dataset } from "./schemas.ts";
import { datasetFavorites, datasets } from "./tables.ts";
import { AppError } from "../kit/errors.ts";

/** One dataset of a user. */
export function ownDataset(userId: number, datasetId: number): SQL {
  return and(eq(datasets.user_id, userId), eq(datasets.id, datasetId))!;
}

/** Those that a user may read: their own, and what is public and ready. */
export function readable(userId: number): SQL {
  const isShared = and(datasets.is_public, eq(datasets.processing_status, "ready"));
  return or(eq(datasets.user_id, userId), isShared)!;
}

/** The query of the datasets that a user may read and that answer to a condition, with whether the user likes them. */
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

/** The refusal of a dataset that is not there, or that the user may not read. */
export const missing = () => new AppError("not_found", "Dataset not found.");

/** One that the user may read. One round trip. @throws not_found */
export async function getDataset(ctx: Ctx, userId: number, id: number): Promise<DatasetRow> {
  const [row] = await selectDatasets(ctx, userId, eq(datasets.id, id));
  if (row === undefined) throw missing();
  return row;
}

/** A dataset as clients draw it. */
export function datasetOf({ user_id, ...row }: DatasetRow, userId: number): Dataset {
  return {
    ...row,
    sampleCount: row.sample_count,
    is_verified: row.processing_status === "ready",
    is_global: row.is_public,
    is_mine: user_id === userId,
    file_path: `/api/v2/datasets/${row.id}/download`,
  };
}
