import { and, eq, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import { maxDatasets, maxTotalBytes } from "./constants.ts";
import { selectDatasets } from "./queries.ts";
import { datasets, datasetUploads } from "./tables.ts";

/** The ID of the dataset that this commit inserted last. */
export const newDataset = sql<number>`currval(pg_get_serial_sequence('datasets', 'id'))::int`;

/** The conditions for one more dataset with these bytes, by error code. */
export function datasetLimitChecks(userId: number, bytes: number): Record<string, SQL> {
  const ofUser = eq(datasets.user_id, userId);
  const coming = sql`(select coalesce(sum(${datasetUploads.size}), 0) from ${datasetUploads} where ${eq(datasetUploads.user_id, userId)})`;
  const stored = sql`(select coalesce(sum(${datasets.file_size}), 0) from ${datasets} where ${ofUser})`;
  return {
    dataset_limit_reached: sql`(select count(*) from ${datasets} where ${ofUser}) < ${maxDatasets}`,
    dataset_bytes_reached: sql`${stored} + ${coming} + ${bytes}::bigint <= ${maxTotalBytes}::bigint`,
  };
}

/** Selects a user's uploaded dataset with the same content. */
export function selectUploadedBefore(ctx: Ctx, userId: number, hash: string | SQL) {
  const hasContent = sql`${datasets.file_hash} = ${hash} and ${datasets.type} = 'upload' and ${datasets.processing_status} <> 'failed'`;
  return selectDatasets(ctx, userId, and(eq(datasets.user_id, userId), hasContent));
}
