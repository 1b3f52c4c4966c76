import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commit, commitOnce, assertAllInTransaction } from "../../kit/db/commit.ts";
import { WorkMeter } from "../../kit/async/work-meter.ts";
import { constraintOf, toAppError } from "../../kit/db/errors.ts";
import { AppError } from "../../kit/errors.ts";
import { deleteByPrefix, withR2Errors } from "../../kit/storage/r2.ts";
import { enqueueJob } from "../../kit/queue/outbox.ts";
import { storable } from "../../kit/db/text.ts";
import { outbox } from "../../kit/db/tables.ts";
import { insertNotification } from "../../notifications/service.ts";
import { importDataset } from "../job-definitions.ts";
import { maxDocumentBytes } from "../constants.ts";
import { fileFormat, type Format } from "../formats/registry.ts";
import { detectFormat } from "../formats/detect-format.ts";
import { memorySource, type ByteSource } from "../formats/types.ts";
import { cleanRows } from "../cleaning/clean-rows.ts";
import { RowFilter } from "../cleaning/row-filter.ts";
import { Reporter } from "../rows/report.ts";
import { rowsKey, storedSource } from "../storage.ts";
import { datasets, type RowsPart } from "../tables.ts";
import { itself, readPendingDataset, isPending, waiting, type Imported } from "./progress.ts";
import { fetchPages } from "./huggingface/fetch-pages.ts";

/** Limits of a part of rows, which is read into memory as a whole. */
const partRows = 500;
const partLength = 1_000_000;

/** The dataset was deleted, or another run completed it. */
class DatasetGone extends Error {}

const isGone = (error: unknown) => error instanceof DatasetGone || constraintOf(error) === "dataset_not_found";

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
    if (fetched === "gone") throw new DatasetGone();
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
  const parts: RowsPart[] = [];
  for (const { code, message, position } of dataset.files.flatMap(({ problems = [] }) => problems))
    for (const each of position) reporter.addProblem({ problem: { code, message, position: each } });
  let lines: string[] = [];
  let length = 0;
  const store = async () => {
    const part = { key: rowsKey(folder, parts.length), rows: lines.length };
    parts.push(part);
    // Rows that were processed before are already stored and equal.
    if (reporter.rows > processed_items) {
      await withR2Errors(ctx.env.FILES.put(part.key, lines.join("\n")));
      if (!(await keepProgress(ctx, id, reporter.rows))) throw new DatasetGone();
    }
    [lines, length] = [[], 0];
  };
  for await (const each of cleanRows(source, { format, name }, rowFilter, work)) {
    if ("problem" in each) {
      reporter.addProblem(each);
      continue;
    }
    reporter.addRow(each.filtered);
    lines.push(each.line);
    length += each.line.length;
    if (lines.length >= partRows || length >= partLength) await store();
  }
  if (lines.length > 0) await store();
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
      .where(itself(id)),
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
async function keepProgress({ db }: Ctx, id: number, rows: number): Promise<boolean> {
  const updated = await db
    .update(datasets)
    .set({ processing_status: "processing", processed_items: sql`greatest(${datasets.processed_items}, ${rows})` })
    .where(itself(id))
    .returning({ id: datasets.id });
  return updated.length > 0;
}

async function fail(ctx: Ctx, { id, user_id, name }: Imported, reason: string): Promise<void> {
  const why = storable(reason, 1_000);
  await commitOnce(ctx, [
    assertAllInTransaction(ctx.db, { dataset_not_found: isPending(id) }),
    ctx.db
      .update(datasets)
      .set({ processing_status: "failed", error: why, processed_items: 0, updated_at: sql`now()` })
      .where(itself(id)),
    insertNotification(ctx, user_id, { kind: "dataset_failed", title: `“${name}” could not be read`, body: why }),
  ]);
}

/** Records the last retryable error of a Hugging Face import, for the case that all retries fail. */
async function recordRetryableError({ db }: Ctx, { id }: Imported, trouble: string): Promise<void> {
  const hub = sql`${datasets.hub} || jsonb_build_object('trouble', ${trouble}::text)`;
  await db.update(datasets).set({ hub }).where(itself(id));
}

const givenUp = sql`'The import failed after the last retry.' || coalesce(' Last error: ' || (${datasets.hub} ->> 'trouble'), '')`;

/** Marks datasets as failed if their job failed permanently. For the cron. @returns how many */
export async function failStaleImports(ctx: Ctx): Promise<number> {
  const job = sql`select from ${outbox} o where o.name = ${importDataset.name} and (o.payload ->> 'dataset_id')::int = ${datasets.id}`;
  const [failed] = await commit(ctx, [
    ctx.db
      .update(datasets)
      .set({ processing_status: "failed", error: givenUp, updated_at: sql`now()` })
      .where(and(waiting, sql`not exists (${job})`))
      .returning({ id: datasets.id }),
  ]);
  return failed.length;
}
