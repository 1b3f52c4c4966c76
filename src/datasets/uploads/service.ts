import { Buffer } from "node:buffer";
import { and, eq, lt, sql, type SQL } from "drizzle-orm";
import { users } from "../../auth/tables.ts";
import type { Ctx } from "../../context.ts";
import { commit, commitOnce, idOfNew, assertAllInTransaction } from "../../kit/db/commit.ts";
import { constraintOf } from "../../kit/db/errors.ts";
import { AppError } from "../../kit/errors.ts";
import { withR2Errors } from "../../kit/storage/r2.ts";
import { enqueueJob, enqueueJobWithSql } from "../../kit/queue/outbox.ts";
import { deleteDatasetFiles, importDataset } from "../job-definitions.ts";
import { maxUploads, partBytes, uploadHours } from "../constants.ts";
import { datasetLimitChecks, newDataset, selectUploadedBefore } from "../insert.ts";
import { selectDatasets, type DatasetRow } from "../queries.ts";
import type { DatasetUpload, NewUpload } from "../schemas.ts";
import { foldersOf } from "../storage.ts";
import { datasets, datasetUploads } from "../tables.ts";

/** Uploads in parts. Each part is one R2 object. The parts become the files of the dataset. */

type UploadRow = typeof datasetUploads.$inferSelect;

const folderOf = (userId: number, uploadId: number): string => `${foldersOf(userId)}upload-${uploadId}/`;

/** Each attempt has its own key, so a late or rejected attempt cannot overwrite an accepted part. */
const newPartKey = (userId: number, uploadId: number, part: number): string =>
  `${folderOf(userId, uploadId)}part-${part}-${crypto.randomUUID()}`;

const ownUpload = (userId: number, uploadId: number): SQL =>
  and(eq(datasetUploads.user_id, userId), eq(datasetUploads.id, uploadId))!;

const uploadExists = (userId: number, uploadId: number): SQL =>
  sql`exists (select from ${datasetUploads} where ${ownUpload(userId, uploadId)})`;

/** The number of parts of a file with `size` bytes. */
const partCount = (size: number): number => Math.ceil(size / partBytes);

/** The reply shape of an upload. */
export function uploadOf({ user_id: _owner, parts, ...row }: UploadRow): DatasetUpload {
  const received = Object.keys(parts).map(Number);
  return {
    ...row,
    part_size: partBytes,
    parts_total: partCount(row.size),
    parts_received: received.toSorted((a, b) => a - b),
    expires_at: new Date(row.created_at.getTime() + uploadHours * 3_600_000),
  };
}

/** Starts an upload. One round trip. @throws conflict at the limits of uploads or bytes */
export async function createUpload(
  ctx: Ctx,
  userId: number,
  { file_name, size, name, description }: NewUpload,
): Promise<UploadRow> {
  const running = sql`(select count(*) from ${datasetUploads} where ${eq(datasetUploads.user_id, userId)})`;
  const [, , [row]] = await commitOnce(
    ctx,
    [
      ctx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update"),
      assertAllInTransaction(ctx.db, {
        dataset_upload_limit_reached: sql`${running} < ${maxUploads}`,
        ...datasetLimitChecks(userId, size),
      }),
      ctx.db
        .insert(datasetUploads)
        .values({ user_id: userId, file_name, size, name: name ?? file_name.slice(0, 120), description: description ?? "" })
        .returning(),
    ],
    idOfNew(datasetUploads),
  );
  return row!;
}

/** One round trip. @throws not_found */
export async function getUpload(ctx: Ctx, userId: number, uploadId: number): Promise<UploadRow> {
  const [row] = await ctx.db.select().from(datasetUploads).where(ownUpload(userId, uploadId));
  if (row === undefined) throw new AppError("not_found", "Upload not found.");
  return row;
}

/** Stores a part, or replaces it. One round trip. @throws not_found; validation_failed for a wrong size; files_unavailable */
export async function putPart(ctx: Ctx, userId: number, uploadId: number, part: number, bytes: Uint8Array): Promise<UploadRow> {
  const key = newPartKey(userId, uploadId, part);
  const sha256 = Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
  await withR2Errors(ctx.env.FILES.put(key, bytes));
  const condition = ownUpload(userId, uploadId);
  const expected = sql`(select least(${partBytes}::bigint, ${datasetUploads.size} - ${(part - 1) * partBytes}::bigint) from ${datasetUploads} where ${condition})`;
  const received = JSON.stringify({ [part]: { key, size: bytes.length, sha256 } });
  try {
    const [, [before], , [row]] = await commit(ctx, [
      ctx.db.select({ id: datasetUploads.id }).from(datasetUploads).where(condition).for("update"),
      ctx.db.select({ parts: datasetUploads.parts }).from(datasetUploads).where(condition),
      assertAllInTransaction(ctx.db, {
        dataset_upload_not_found: uploadExists(userId, uploadId),
        dataset_part_size: sql`${expected} = ${bytes.length}::bigint and ${expected} > 0`,
      }),
      ctx.db
        .update(datasetUploads)
        .set({ parts: sql`${datasetUploads.parts} || ${received}::jsonb` })
        .where(condition)
        .returning(),
    ]);
    const replaced = before?.parts[part]?.key;
    if (replaced !== undefined) ctx.waitUntil(ctx.env.FILES.delete(replaced).catch(() => undefined));
    return row!;
  } catch (error) {
    // If the commit may have succeeded, the file must stay.
    if (constraintOf(error) !== undefined) ctx.waitUntil(ctx.env.FILES.delete(key).catch(() => undefined));
    throw error;
  }
}

/**
 * Creates a dataset from a complete upload. Known content returns its existing dataset and aborts the upload. One
 * round trip, or three for known content.
 * @throws not_found; conflict while parts are missing, or at the limit of datasets
 */
export async function completeUpload(ctx: Ctx, userId: number, uploadId: number): Promise<{ row: DatasetRow; isNew: boolean }> {
  const { db } = ctx;
  const condition = ownUpload(userId, uploadId);
  const hash = hashOf(condition);
  const upload = sql`(select * from ${datasetUploads} where ${condition})`;
  const isComplete = sql`(select (select count(*) from jsonb_object_keys(u.parts)) = ceil(u.size / ${partBytes}::numeric) from ${upload} u)`;
  const insertDataset = db.execute(sql`
    insert into ${datasets} (user_id, name, description, source, folder, file_size, file_hash, files)
    select u.user_id, u.name, u.description, u.file_name, ${folderOf(userId, uploadId)}, u.size, ${hash},
      (select jsonb_agg(jsonb_build_object('key', p.value ->> 'key', 'size', (p.value ->> 'size')::bigint)
        order by p.key::int) from jsonb_each(u.parts) p)
    from ${upload} u`);
  try {
    const results = await commit(ctx, [
      db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update"),
      assertAllInTransaction(db, {
        dataset_upload_not_found: uploadExists(userId, uploadId),
        dataset_upload_incomplete: isComplete,
        ...datasetLimitChecks(userId, 0),
      }),
      insertDataset,
      db.delete(datasetUploads).where(condition),
      enqueueJobWithSql(ctx, importDataset, sql`jsonb_build_object('dataset_id', ${newDataset})`, userId),
      selectDatasets(ctx, userId, sql`${datasets.id} = ${newDataset}`),
    ]);
    return { row: (results.at(-1) as DatasetRow[])[0]!, isNew: true };
  } catch (error) {
    if (constraintOf(error) !== "dataset_uploaded_before") throw error;
    const [[row]] = await commit(ctx, [selectUploadedBefore(ctx, userId, hash)]);
    await abortUpload(ctx, userId, uploadId);
    return { row: row!, isNew: false };
  }
}

/** SHA-256 of the hashes of an upload's parts, in hexadecimal. Equal content has an equal hash because the part size is fixed. */
const hashOf = (condition: SQL): SQL => sql`(
  select encode(sha256(string_agg(p.value ->> 'sha256', '' order by p.key::int)::bytea), 'hex')
  from ${datasetUploads}, jsonb_each(${datasetUploads.parts}) p where ${condition})`;

/** Aborts an upload; a job deletes its parts. One round trip. @throws not_found */
export async function abortUpload(ctx: Ctx, userId: number, uploadId: number): Promise<void> {
  await commit(ctx, [
    assertAllInTransaction(ctx.db, { dataset_upload_not_found: uploadExists(userId, uploadId) }),
    ctx.db.delete(datasetUploads).where(ownUpload(userId, uploadId)),
    enqueueJob(ctx, deleteDatasetFiles, { folder: folderOf(userId, uploadId) }, userId),
  ]);
}

/** Aborts expired uploads. For the cron. @returns how many */
export async function sweepUploads(ctx: Ctx): Promise<number> {
  const old = await ctx.db
    .select({ id: datasetUploads.id, user_id: datasetUploads.user_id })
    .from(datasetUploads)
    .where(lt(datasetUploads.created_at, sql`now() - ${uploadHours} * interval '1 hour'`))
    .limit(200);
  for (const { id, user_id } of old) await abortUpload(ctx, user_id, id);
  return old.length;
}
