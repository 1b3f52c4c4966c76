import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commitOnce, commitProgress, assertAllInTransaction, type Statement } from "../../kit/db/commit.ts";
import { WorkMeter } from "../../kit/async/work-meter.ts";
import { constraintOf, toAppError } from "../../kit/db/errors.ts";
import { AppError } from "../../kit/errors.ts";
import { deleteByPrefix } from "../../kit/storage/r2.ts";
import type { GiveUpReason } from "../../kit/queue/handler.ts";
import { enqueueJob } from "../../kit/queue/outbox.ts";
import { toStorableText } from "../../kit/db/text.ts";
import { insertNotification } from "../../notifications/service.ts";
import { importDataset } from "../job-definitions.ts";
import { maxDocumentBytes } from "../constants.ts";
import { fileFormat, type Format } from "../formats/registry.ts";
import { detectFormat } from "../formats/detect-format.ts";
import { memorySource, type ByteSource } from "../formats/types.ts";
import { cleanRows } from "../cleaning/clean-rows.ts";
import { RowFilter } from "../cleaning/row-filter.ts";
import { Reporter } from "../rows/report.ts";
import { storeRows } from "../rows/store-rows.ts";
import { storedSource } from "../storage.ts";
import { datasets } from "../tables.ts";
import { pendingDataset, readPendingDataset, isPending, type Imported } from "./progress.ts";
import { fetchPages } from "./huggingface/fetch-pages.ts";

/** The dataset was deleted, or another run completed it. */
class DatasetDeletedError extends Error {}

const isGone = (error: unknown) => error instanceof DatasetDeletedError || constraintOf(error) === "dataset_not_found";

/**
 * Imports a dataset: fetches it from Hugging Face if needed, and parses its file into rows, which become visible together.
 * After an interruption it resumes with the missing page and with the first part of rows that is not stored. (The row filter needs
 * all rows, so the file is parsed from its start; the same bytes give the same rows.)
 * @throws retryable errors; other errors set the status `failed` with the reason
 */
export async function resumeImport(ctx: Ctx, { dataset_id }: { dataset_id: number }): Promise<void> {
  const dataset = await readPendingDataset(ctx, dataset_id);
  if (dataset === undefined) return;
  try {
    const fetched = await fetchPages(ctx, dataset);
    if (fetched === "more") await enqueueNextSlice(ctx, dataset);
    if (fetched === "gone") throw new DatasetDeletedError();
    // The fetched pages are now files of the dataset.
    const whole = dataset.hub === null ? dataset : await readPendingDataset(ctx, dataset_id);
    if (fetched === "all" && whole !== undefined) await readFile(ctx, whole);
  } catch (error) {
    if (isGone(error)) return deleteOrphanFiles(ctx, dataset);
    const failure = toAppError(error, ctx.constraintErrors);
    if (failure === undefined) throw error;
    if (failure.retryable) {
      // A failure to record the error must not hide the error itself.
      if (dataset.hub !== null) await recordRetryableError(ctx, dataset, failure.message).catch(() => undefined);
      throw error;
    }
    await fail(ctx, dataset, failure.message);
  }
}

/** Deletes files that were stored after the dataset was deleted. */
async function deleteOrphanFiles({ db, env }: Ctx, { id, folder }: Imported): Promise<void> {
  const [left] = await db.select({ id: datasets.id }).from(datasets).where(eq(datasets.id, id));
  if (left === undefined) await deleteByPrefix(env.FILES, folder);
}

async function enqueueNextSlice(ctx: Ctx, { id, user_id }: Imported): Promise<void> {
  await commitOnce(ctx, [enqueueJob(ctx, importDataset, { dataset_id: id }, user_id)]);
}

async function readFile(ctx: Ctx, dataset: Imported): Promise<void> {
  const { id, folder, processed_items } = dataset;
  const source = await sourceOf(ctx, dataset);
  const name = dataset.type === "upload" ? dataset.source : dataset.name;
  const format = formatOf(dataset) ?? (await detectFormat(source, name));
  const work = new WorkMeter();
  const rowFilter = new RowFilter(work);
  const reporter = new Reporter();
  for (const { code, message, position } of dataset.files.flatMap(({ problems = [] }) => problems))
    for (const each of position) reporter.addProblem({ problem: { code, message, position: each } });
  const parts = await storeRows(ctx, cleanRows(source, { format, name }, rowFilter, work), {
    folder,
    reporter,
    storedRows: processed_items,
    async onStored(rows) {
      if (!(await keepProgress(ctx, id, rows))) throw new DatasetDeletedError();
    },
  });
  if (parts.length === 0) {
    const first = reporter.firstProblem;
    const why = first === undefined ? "" : `. First problem, at position ${first.position}: ${first.message}`;
    throw new AppError("validation_failed", `The file contains no rows${why}.`);
  }
  const report = { ...reporter.finish(rowFilter.counts), ...(dataset.hub?.partial ? { partial: true } : {}) };
  const { quality_score } = report;
  const ready = { processing_status: "ready", format, parts, report, quality_score, error: null } as const;
  await commitOnce(ctx, [
    assertAllInTransaction(ctx.db, { dataset_not_found: isPending(id) }),
    ctx.db
      .update(datasets)
      .set({ ...ready, sample_count: report.rows, processed_items: report.rows, updated_at: sql`now()` })
      .where(pendingDataset(id)),
    insertNotification(ctx, dataset.user_id, {
      kind: "dataset_ready",
      title: `“${dataset.name}” is ready`,
      body: `${report.kept} of ${report.rows} rows passed the quality checks.`,
    }),
  ]);
}

/** Pages are stored as JSON Lines. The format of an upload in parts is detected by content. */
const formatOf = ({ type, format }: Imported): Format | null => (type === "import" ? "jsonl" : format);

async function sourceOf({ env }: Ctx, dataset: Imported): Promise<ByteSource> {
  const stored = storedSource(env.FILES, dataset.files);
  const format = formatOf(dataset) ?? (await detectFormat(stored, dataset.source));
  if (!fileFormat(format).inMemory) return stored;
  if (stored.size > maxDocumentBytes)
    throw new AppError("payload_too_large", `A ${format} file can have at most ${maxDocumentBytes} bytes.`);
  return memorySource(new Uint8Array(await stored.read(0, stored.size)));
}

/** Saves progress, which never decreases. @returns whether the dataset still exists and its import is not over */
async function keepProgress(ctx: Ctx, id: number, rows: number): Promise<boolean> {
  const [updated] = await commitProgress(ctx, [
    ctx.db
      .update(datasets)
      .set({ processing_status: "processing", processed_items: sql`greatest(${datasets.processed_items}, ${rows})` })
      .where(pendingDataset(id))
      .returning({ id: datasets.id }),
  ]);
  return updated.length > 0;
}

async function fail(ctx: Ctx, dataset: Imported, reason: string): Promise<void> {
  await commitOnce(ctx, failStatements(ctx, dataset, reason));
}

function failStatements(ctx: Ctx, { id, user_id, name }: Imported, reason: string): [Statement, ...Statement[]] {
  const why = toStorableText(reason, 1_000);
  return [
    assertAllInTransaction(ctx.db, { dataset_not_found: isPending(id) }),
    ctx.db
      .update(datasets)
      .set({ processing_status: "failed", error: why, processed_items: 0, updated_at: sql`now()` })
      .where(pendingDataset(id)),
    insertNotification(ctx, user_id, { kind: "dataset_failed", title: `“${name}” could not be read`, body: why }),
  ];
}

/** Records the last retryable error of a Hugging Face import, for the case that all retries fail. */
async function recordRetryableError({ db }: Ctx, { id }: Imported, trouble: string): Promise<void> {
  const hub = sql`${datasets.hub} || jsonb_build_object('trouble', ${trouble}::text)`;
  await db.update(datasets).set({ hub }).where(pendingDataset(id));
}

/** The statements that mark a dataset as failed because its job was given up. */
export async function giveUpImport(
  ctx: Ctx,
  { dataset_id }: { dataset_id: number },
  reason: GiveUpReason,
): Promise<Statement[]> {
  const dataset = await readPendingDataset(ctx, dataset_id);
  return dataset === undefined ? [] : failStatements(ctx, dataset, whyGivenUp(dataset, reason));
}

function whyGivenUp({ hub }: Imported, { code, requestId }: GiveUpReason): string {
  if (code === "consumer_lost")
    return "The import was stopped twice before it ended: the file needs too much time or memory. Upload a smaller or simpler file.";
  if (code !== "attempts_exhausted") return `An internal error occurred. Report this request ID: ${requestId}.`;
  return `The import failed after the last retry.${hub?.trouble === undefined ? "" : ` Last error: ${hub.trouble}`}`;
}

/** The statements that reopen a failed dataset for the replay of its job. */
export async function reopenImport({ db }: Ctx, { dataset_id }: { dataset_id: number }): Promise<Statement[]> {
  const reopened = { processing_status: "pending", error: null, updated_at: sql`now()` } as const;
  return [
    db
      .update(datasets)
      .set(reopened)
      .where(and(eq(datasets.id, dataset_id), eq(datasets.processing_status, "failed"))),
  ];
}
