import { Buffer } from "node:buffer";
import { and, eq, inArray, lt, sql, type SQL } from "drizzle-orm";
import { users } from "../auth/tables.ts";
import type { Ctx } from "../context.ts";
import { commit, assertAllInTransaction } from "../kit/db/commit.ts";
import { constraintOf } from "../kit/db/errors.ts";
import { toStorableText } from "../kit/db/text.ts";
import { AppError } from "../kit/errors.ts";
import { cleanLabel } from "../kit/names.ts";
import { withR2Errors } from "../kit/storage/r2.ts";
import { enqueueJobWithSql } from "../kit/queue/outbox.ts";
import { paginate, type PageQueryOutput } from "../kit/http/zod-schemas.ts";
import type { refreshModes } from "./constants.ts";
import { constraintErrors } from "./errors.ts";
import { deleteDatasetFiles, importDataset } from "./job-definitions.ts";
import { datasetLimitChecks, newDataset, selectUploadedBefore } from "./insert.ts";
import { detectFormat } from "./formats/detect-format.ts";
import { memorySource } from "./formats/types.ts";
import type { DatasetChange, LoadBody, UploadFields } from "./schemas.ts";
import { isShared, ownDataset, readable, selectDatasets, type DatasetRow } from "./queries.ts";
import { newFolder } from "./storage.ts";
import { datasetFavorites, datasets, datasetUses } from "./tables.ts";

/** A page of a user's datasets and the public ones, newest first, and their total. One round trip. */
export async function listDatasets(ctx: Ctx, userId: number, { limit, cursor }: PageQueryOutput) {
  const [rows, [count]] = await commit(ctx, [
    selectDatasets(ctx, userId, cursor === undefined ? undefined : lt(datasets.id, cursor))
      .orderBy(sql`${datasets.id} desc`)
      .limit(limit + 1),
    ctx.db
      .select({ total: sql<number>`count(*)::int` })
      .from(datasets)
      .where(readable(userId)),
  ]);
  return { ...paginate(rows, limit), total: count!.total };
}

/** Counts the datasets that everyone may read. One round trip. */
export async function countPublicDatasets({ db }: Ctx): Promise<number> {
  const [count] = await db
    .select({ total: sql<number>`count(*)::int` })
    .from(datasets)
    .where(isShared);
  return count!.total;
}

type NewDataset = Pick<typeof datasets.$inferInsert, "name" | "source"> & Partial<typeof datasets.$inferInsert>;

/** Inserts a dataset and enqueues its import. One round trip. @throws conflict at the limits; constraint errors */
async function insertDataset(ctx: Ctx, userId: number, row: NewDataset): Promise<DatasetRow> {
  const results = await commit(ctx, [
    ctx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update"),
    assertAllInTransaction(ctx.db, datasetLimitChecks(userId, row.file_size ?? 0)),
    ctx.db.insert(datasets).values({ ...row, user_id: userId }),
    enqueueJobWithSql(ctx, importDataset, sql`jsonb_build_object('dataset_id', ${newDataset})`, userId),
    selectDatasets(ctx, userId, sql`${datasets.id} = ${newDataset}`),
  ]);
  return (results.at(-1) as DatasetRow[])[0]!;
}

/**
 * Stores a file as a dataset that a job parses. Known content returns its existing dataset. One round trip, or two for known content.
 * @throws validation_failed for an unsupported format; conflict, files_unavailable
 */
export async function uploadDataset(
  ctx: Ctx,
  userId: number,
  bytes: Uint8Array,
  { fileName = "file", name, description = "" }: UploadFields & { fileName?: string | undefined },
): Promise<{ row: DatasetRow; isNew: boolean }> {
  const format = await detectFormat(memorySource(bytes), fileName);
  const file_hash = Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
  const folder = newFolder(userId);
  const file = { key: `${folder}file`, size: bytes.length };
  await withR2Errors(ctx.env.FILES.put(file.key, bytes));
  const fields = {
    name: name ?? (cleanLabel(fileName, 120) || "file"),
    description,
    source: toStorableText(fileName, 255),
  };
  try {
    const row = await insertDataset(ctx, userId, { ...fields, format, file_hash, folder, files: [file], file_size: file.size });
    return { row, isNew: true };
  } catch (error) {
    ctx.waitUntil(ctx.env.FILES.delete(file.key).catch(() => undefined));
    if (constraintOf(error) !== "dataset_uploaded_before") throw error;
    const [row] = await selectUploadedBefore(ctx, userId, file_hash);
    if (row === undefined) throw error;
    return { row, isNew: false };
  }
}

/** Enqueues the import of a Hugging Face dataset. The job checks that it exists. One round trip. @throws conflict */
export function loadDataset(ctx: Ctx, userId: number, body: LoadBody): Promise<DatasetRow> {
  const { dataset_id, custom_name, custom_description, config = "", split = "", limit } = body;
  return insertDataset(ctx, userId, {
    type: "import",
    name: custom_name ?? dataset_id,
    description: custom_description ?? "",
    source: `https://huggingface.co/datasets/${dataset_id}`,
    folder: newFolder(userId),
    hub: { dataset_id, config, split, limit, next_offset: 0 },
  });
}

/** Updates a dataset. @param expectedVersion default: any version. One round trip. @throws not_found, precondition_failed */
export async function changeDataset(
  ctx: Ctx,
  userId: number,
  id: number,
  change: DatasetChange,
  expectedVersion: number | undefined,
): Promise<DatasetRow> {
  const owned = ownDataset(userId, id);
  const version = sql`(select ${datasets.version} from ${datasets} where ${owned})`;
  const { refresh, ...others } = change;
  const fields = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined));
  const schedule = refresh === undefined ? {} : refreshFields(refresh);
  const [, , rows] = await commit(ctx, [
    assertAllInTransaction(ctx.db, {
      dataset_not_found: sql`${version} is not null`,
      ...(refresh === undefined
        ? {}
        : { dataset_no_website: sql`(select ${datasets.website} from ${datasets} where ${owned}) is not null` }),
      ...(expectedVersion === undefined ? {} : { version_changed: sql`${version} = ${expectedVersion}` }),
    }),
    ctx.db
      .update(datasets)
      .set({ ...fields, ...schedule, version: sql`${datasets.version} + 1`, updated_at: sql`now()` })
      .where(and(owned, expectedVersion === undefined ? undefined : eq(datasets.version, expectedVersion))),
    selectDatasets(ctx, userId, owned),
  ]);
  return rows[0]!;
}

/** When a website is read again, if it is not being read. */
const refreshFields = (refresh: (typeof refreshModes)[number]) => ({
  website: sql`${datasets.website} || jsonb_build_object('refresh', ${refresh}::text)`,
  next_refresh_at:
    refresh === "manual"
      ? null
      : sql`case when ${datasets.website} ->> 'next_run' is null then coalesce(${datasets.next_refresh_at}, now() + random() * interval '1 day') end`,
});

/** Deletes a dataset; a job deletes its files. One round trip. @throws not_found; conflict while a job reads it, with what reads it */
export async function deleteDataset(ctx: Ctx, userId: number, id: number): Promise<void> {
  try {
    await deleteUnused(ctx, ownDataset(userId, id), userId);
  } catch (error) {
    if (constraintOf(error) !== "dataset_in_use") throw error;
    const readers = await readersOf(ctx, id);
    const { type, detail } = constraintErrors.dataset_in_use;
    const named = readers.length === 0 ? detail : `${detail} It is read by ${readers.join(", ")}.`;
    throw new AppError(type, named, { extensions: { used_by: readers }, cause: error });
  }
}

/** What reads a dataset: `knowledge base 5`, without the number if others can use the dataset too. */
async function readersOf(ctx: Ctx, id: number): Promise<string[]> {
  const rows = await ctx.db
    .select({ used_by: datasetUses.used_by, is_public: datasets.is_public })
    .from(datasetUses)
    .innerJoin(datasets, eq(datasets.id, datasetUses.dataset_id))
    .where(eq(datasetUses.dataset_id, id))
    .orderBy(datasetUses.used_by)
    .limit(10);
  const names = rows.map(({ used_by, is_public }) => {
    const [kind, number = ""] = used_by.replaceAll("-", " ").split(":");
    return is_public ? `a ${kind}` : `${kind} ${number}`.trim();
  });
  return Array.from(new Set(names));
}

async function deleteUnused(ctx: Ctx, owned: SQL, userId: number): Promise<void> {
  const isWaiting = inArray(datasets.processing_status, ["pending", "processing"]);
  const folder = sql`(select ${datasets.folder} from ${datasets} where ${owned})`;
  await commit(ctx, [
    ctx.db.select({ id: datasets.id }).from(datasets).where(owned).for("update"),
    assertAllInTransaction(ctx.db, {
      dataset_not_found: sql`exists (select from ${datasets} where ${owned})`,
      dataset_importing: sql`not exists (select from ${datasets} where ${and(owned, isWaiting)})`,
    }),
    enqueueJobWithSql(ctx, deleteDatasetFiles, sql`jsonb_build_object('folder', ${folder})`, userId),
    ctx.db.delete(datasets).where(owned),
  ]);
}

/** Adds a dataset to the favorites, or removes it. One round trip. @throws not_found */
export async function toggleFavorite(ctx: Ctx, userId: number, id: number): Promise<boolean> {
  const datasetExists = sql`exists (select from ${datasets} where ${and(eq(datasets.id, id), readable(userId))})`;
  const [, { rows }] = await commit(ctx, [
    assertAllInTransaction(ctx.db, { dataset_not_found: datasetExists }),
    ctx.db.execute<{ is_favorite: boolean }>(sql`
      with gone as (delete from ${datasetFavorites} where user_id = ${userId} and dataset_id = ${id} returning 1),
      added as (insert into ${datasetFavorites} (user_id, dataset_id) select ${userId}::int, ${id}::int where not exists (select from gone)
        on conflict do nothing)
      select not exists (select from gone) as is_favorite`),
  ]);
  return rows[0]!.is_favorite;
}
