import { eq, getTableColumns, sql } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { deleteByPrefix } from "../kit/storage/r2.ts";
import { foldersOf } from "./storage.ts";
import { datasetFavorites, datasetPages, datasets, datasetUploads, datasetUses } from "./tables.ts";

/** The data of a user in this feature, without the files. */
export function exportUser({ db }: Ctx, userId: number): Record<string, Statement> {
  const { files: _, parts: __, folder: ___, ...columns } = getTableColumns(datasets);
  const { key: ____, ...pageColumns } = getTableColumns(datasetPages);
  return {
    datasets: db.select(columns).from(datasets).where(eq(datasets.user_id, userId)),
    dataset_pages: db
      .select(pageColumns)
      .from(datasetPages)
      .innerJoin(datasets, eq(datasets.id, datasetPages.dataset_id))
      .where(eq(datasets.user_id, userId)),
    dataset_favorites: db.select().from(datasetFavorites).where(eq(datasetFavorites.user_id, userId)),
    dataset_uploads: db.select().from(datasetUploads).where(eq(datasetUploads.user_id, userId)),
  };
}

/** Deletes a user's files and releases their datasets from all uses, so that the rows can cascade with the user. */
export async function eraseUser(ctx: Ctx, userId: number): Promise<Statement[]> {
  await deleteByPrefix(ctx.env.FILES, foldersOf(userId));
  const theirs = sql`(select id from ${datasets} where ${eq(datasets.user_id, userId)})`;
  return [ctx.db.delete(datasetUses).where(sql`${datasetUses.dataset_id} in ${theirs}`)];
}
