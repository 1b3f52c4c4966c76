import { and, eq } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { AppError } from "../../kit/errors.ts";
import { issueTicket, readTicket } from "../../kit/socket/tickets.ts";
import { getDataset, missing, readable } from "../queries.ts";
import type { Report } from "../schemas.ts";
import { storedSource } from "../storage.ts";
import { datasets } from "../tables.ts";
import { readParts, type Row } from "./read-rows.ts";

/** Characters of the texts of a page of rows, after which it ends, however many rows were asked for. */
const maxPageLength = 4_000_000;

/** Rows of a ready dataset after a cursor, fewer than `limit` if they are long. One round trip. @throws not_found, conflict, files_unavailable */
export async function listRows(
  ctx: Ctx,
  userId: number,
  id: number,
  { limit, cursor, kept }: { limit: number; cursor?: number | undefined; kept: boolean },
): Promise<{ items: Row[]; total: number; next_cursor?: string }> {
  const { parts, sample_count } = await readyDataset(ctx, userId, id);
  const items: Row[] = [];
  let length = 0;
  for await (const row of readParts(ctx, parts, { after: cursor ?? -1, includeDropped: !kept })) {
    if (items.length === limit || length >= maxPageLength)
      return { items, total: sample_count, next_cursor: String(items.at(-1)!.index) };
    items.push(row);
    length += row.text.length + (row.fields === null ? 0 : JSON.stringify(row.fields).length);
  }
  return { items, total: sample_count };
}

/** The report of a ready dataset. One round trip. @throws not_found, conflict */
export async function getReport(ctx: Ctx, userId: number, id: number): Promise<Report> {
  const { report } = await readyDataset(ctx, userId, id);
  if (report === null) throw new AppError("conflict", "This dataset has no report.");
  return report;
}

async function readyDataset(ctx: Ctx, userId: number, id: number) {
  const [row] = await ctx.db
    .select()
    .from(datasets)
    .where(and(eq(datasets.id, id), readable(userId)));
  if (row === undefined) throw missing();
  if (row.processing_status === "failed")
    throw new AppError("conflict", `This dataset could not be read. ${row.error ?? ""}`.trim());
  if (row.processing_status !== "ready")
    throw new AppError("conflict", "This dataset is still being processed. Try again later.");
  return row;
}

const fileOf = (id: number) => `dataset:${id}`;

/** Creates a public download URL that is valid for one minute. One round trip. @throws not_found */
export async function linkDownload(ctx: Ctx, userId: number, id: number): Promise<{ url: string; expires_at: Date }> {
  await getDataset(ctx, userId, id);
  const holder = { user_id: userId, device: `user:${userId}`, label: "download", resource: fileOf(id) };
  const { ticket, expires_at } = await issueTicket(ctx.env.AUTH_SECRET, holder);
  return { url: `${ctx.env.PUBLIC_URL}/api/v2/dataset-files/${id}?ticket=${ticket}`, expires_at };
}

/** The file of a dataset, authorized by a ticket. One round trip. @throws unauthenticated, not_found, files_unavailable */
export async function openDownload(ctx: Ctx, id: number, ticket: string) {
  const { user_id } = await readTicket(ctx.env.AUTH_SECRET, ticket, fileOf(id));
  const [row] = await ctx.db
    .select({ name: datasets.name, format: datasets.format, files: datasets.files })
    .from(datasets)
    .where(and(eq(datasets.id, id), readable(user_id)));
  if (row === undefined || row.files.length === 0) throw missing();
  const source = storedSource(ctx.env.FILES, row.files);
  return { ...row, size: source.size, body: await source.stream() };
}
