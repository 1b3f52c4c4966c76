import { and, eq, ne, sql } from "drizzle-orm";
import { users } from "../../auth/tables.ts";
import type { Ctx } from "../../context.ts";
import { WorkMeter } from "../../kit/async/work-meter.ts";
import { assertAllInTransaction, commitOnce, type Statement } from "../../kit/db/commit.ts";
import { constraintOf } from "../../kit/db/errors.ts";
import { toStorableText } from "../../kit/db/text.ts";
import { withR2Errors } from "../../kit/storage/r2.ts";
import { enqueueJob } from "../../kit/queue/outbox.ts";
import { insertNotification } from "../../notifications/service.ts";
import { filterRows } from "../cleaning/clean-rows.ts";
import { RowFilter } from "../cleaning/row-filter.ts";
import { maxShown, maxTotalBytes } from "../constants.ts";
import { deleteDatasetFiles } from "../job-definitions.ts";
import { Reporter } from "../rows/report.ts";
import { storeRows } from "../rows/store-rows.ts";
import type { WebsiteReport } from "../schemas.ts";
import { objectAt } from "../storage.ts";
import { datasetPages, datasets, datasetUses } from "../tables.ts";
import { PageError } from "./page-error.ts";
import { rowsOfPages } from "./page-rows.ts";
import { isRun, nextRefresh, readPages, stillRunning, websiteWith, type PageState, type Running } from "./run-state.ts";

/**
 * Ends a run whose pages were all fetched. If a page changed, came or went, the rows of all pages are stored anew and replace those of
 * the dataset in one commit; otherwise nothing but the report changes.
 * @throws PageError if no page could be read; retryable errors, also while a job reads the rows
 */
export async function finishRun(ctx: Ctx, dataset: Running): Promise<void> {
  const { id, website } = dataset;
  const pages = await readPages(ctx, id, website.next_run);
  const first = pages.find(({ problem }) => problem !== null);
  if (pages.every(({ problem }) => problem !== null))
    throw new PageError("no_text", `No page could be read. ${first?.url}: ${first?.detail}`);
  const before = await readPages(ctx, id, website.run);
  const report = reportOf(pages, before, website.notes ?? []);
  const contents = (list: readonly PageState[]) =>
    list.flatMap(({ url, key, hash }) => (key === null ? [] : [`${url} ${hash}`]));
  if (website.run > 0 && contents(pages).join("\n") === contents(before).join("\n")) await keepRows(ctx, dataset, report);
  else await replaceRows(ctx, dataset, pages, before, report);
}

function reportOf(pages: readonly PageState[], before: readonly PageState[], notes: readonly string[]): WebsiteReport {
  const known = new Map(before.flatMap(({ url, hash }) => (hash === null ? [] : [[url, hash] as const])));
  const present = pages.filter(({ hash }) => hash !== null);
  const urls = new Set(present.map(({ url }) => url));
  return {
    listed: pages.length,
    read: present.length,
    added: present.filter(({ url }) => !known.has(url)).length,
    changed: present.filter(({ url, hash }) => known.has(url) && known.get(url) !== hash).length,
    unchanged: present.filter(({ url, hash }) => known.get(url) === hash).length,
    removed: Array.from(known.keys()).filter((url) => !urls.has(url)).length,
    notes: [...notes],
    problems: pages
      .flatMap(({ url, problem, detail }) => (problem === null ? [] : [{ url, code: problem as never, message: detail ?? "" }]))
      .slice(0, maxShown),
    problem_count: pages.filter(({ problem }) => problem !== null).length,
    error: null,
  };
}

/** The fields of a dataset after a run that succeeded. */
const readFields = ({ next_run }: Running["website"]) => ({
  website: websiteWith({ run: next_run, next_run: null, notes: null, error: null }),
  last_refreshed_at: sql`now()`,
  next_refresh_at: nextRefresh,
});

/** Deletes the pages of other runs. */
const deleteOtherPages = ({ db }: Ctx, { id, website }: Running): Statement =>
  db.delete(datasetPages).where(and(eq(datasetPages.dataset_id, id), ne(datasetPages.run, website.next_run)));

async function keepRows(ctx: Ctx, dataset: Running, report: WebsiteReport): Promise<void> {
  const { id, website } = dataset;
  await commitOnce(ctx, [
    stillRunning(ctx, dataset),
    ctx.db
      .update(datasets)
      .set({
        ...readFields(website),
        report: sql`${datasets.report} || jsonb_build_object('website', ${JSON.stringify(report)}::jsonb)`,
      })
      .where(isRun(id, website.next_run)),
    deleteOtherPages(ctx, dataset),
  ]);
}

async function replaceRows(
  ctx: Ctx,
  dataset: Running,
  pages: readonly PageState[],
  before: readonly PageState[],
  websiteReport: WebsiteReport,
): Promise<void> {
  const { id, user_id, folder, website, name } = dataset;
  const files = pages.flatMap(({ key, size }) => (key === null ? [] : [{ key, size }]));
  const work = new WorkMeter();
  const rowFilter = new RowFilter(work);
  const reporter = new Reporter();
  const rows = filterRows(rowsOfPages(textsOf(ctx, files)), rowFilter, work);
  const parts = await storeRows(ctx, rows, { folder: `${folder}run-${website.next_run}/`, reporter });
  const report = { ...reporter.finish(rowFilter.counts), website: websiteReport };
  const file_size = files.reduce((sum, { size }) => sum + size, 0);
  const ofUser = sql`(select coalesce(sum(${datasets.file_size}), 0) from ${datasets} where ${datasets.user_id} = ${user_id} and ${datasets.id} <> ${id})`;
  try {
    await commitOnce(ctx, [
      ctx.db.select({ id: users.id }).from(users).where(eq(users.id, user_id)).for("no key update"),
      // A job that begins to read the dataset waits for this lock, or this commit sees it.
      ctx.db.select({ id: datasets.id }).from(datasets).where(eq(datasets.id, id)).for("update"),
      stillRunning(ctx, dataset),
      assertAllInTransaction(ctx.db, {
        dataset_in_use: sql`not exists (select from ${datasetUses} where ${datasetUses.dataset_id} = ${id})`,
        dataset_bytes_reached: sql`${ofUser} + ${file_size}::bigint <= ${maxTotalBytes}::bigint`,
      }),
      ctx.db
        .update(datasets)
        .set({
          ...readFields(website),
          processing_status: "ready",
          format: "jsonl",
          parts,
          files,
          file_size,
          report,
          quality_score: report.quality_score,
          sample_count: report.rows,
          processed_items: report.rows,
          error: null,
          updated_at: sql`now()`,
        })
        .where(isRun(id, website.next_run)),
      deleteOtherPages(ctx, dataset),
      insertNotification(ctx, user_id, messageOf(name, website.run === 0, websiteReport)),
      ...(website.run === 0 ? [] : ctx.hooks.onDatasetChanged(ctx, id, user_id)),
      ...(dataset.parts.length === 0
        ? []
        : [enqueueJob(ctx, deleteDatasetFiles, { folder: `${folder}run-${runOf(dataset)}/` }, user_id)]),
    ]);
  } catch (error) {
    if (constraintOf(error) !== "dataset_in_use") throw error;
    throw Object.assign(new Error("A job reads the rows of this dataset."), { retryable: true });
  }
  deleteKeys(ctx, before, pages);
}

/** The run that stored the rows of a dataset. */
const runOf = ({ parts }: Running): string => /\/run-(\d+)\//.exec(parts[0]?.key ?? "")?.[1] ?? "0";

async function* textsOf({ env }: Ctx, files: readonly { key: string }[]): AsyncGenerator<string> {
  for (const { key } of files) {
    const object = await objectAt(env.FILES, key);
    yield await withR2Errors(object.text());
  }
}

/** Deletes the files of pages that no other list has. They are deleted with the dataset at the latest. */
function deleteKeys(ctx: Ctx, pages: readonly PageState[], kept: readonly PageState[]): void {
  const keys = new Set(kept.map(({ key }) => key));
  const unused = pages.flatMap(({ key }) => (key === null || keys.has(key) ? [] : [key]));
  if (unused.length > 0) ctx.waitUntil(ctx.env.FILES.delete(unused).catch(() => undefined));
}

function messageOf(name: string, isFirst: boolean, { read, listed, added, changed, removed }: WebsiteReport) {
  if (isFirst) return { kind: "dataset_ready", title: `“${name}” is ready`, body: `${read} of ${listed} pages were read.` };
  const body = `${counted(added, "new")}, ${counted(changed, "changed")}, ${counted(removed, "removed")}.`;
  return { kind: "dataset_refreshed", title: `“${name}” has changed`, body };
}

const counted = (count: number, what: string): string => `${count} ${what} ${count === 1 ? "page" : "pages"}`;

/** The statements that end a run that failed as a whole. The dataset keeps the rows that it has. */
export function failStatements(ctx: Ctx, dataset: Running, reason: string): [Statement, ...Statement[]] {
  const { id, user_id, name, website } = dataset;
  const error = toStorableText(reason, 1_000);
  const isFirst = website.run === 0;
  const failed = isFirst
    ? { processing_status: "failed" as const, error, updated_at: sql`now()` }
    : { report: sql`jsonb_set(${datasets.report}, '{website,error}', to_jsonb(${error}::text))` };
  return [
    stillRunning(ctx, dataset),
    ctx.db
      .update(datasets)
      .set({ ...failed, website: websiteWith({ next_run: null, notes: null, error }), next_refresh_at: nextRefresh })
      .where(isRun(id, website.next_run)),
    ctx.db.delete(datasetPages).where(and(eq(datasetPages.dataset_id, id), eq(datasetPages.run, website.next_run))),
    // The owner gets no notification each day for a website that stays away.
    ...(website.error === null
      ? [
          insertNotification(ctx, user_id, {
            kind: isFirst ? "dataset_failed" : "dataset_refresh_failed",
            title: `“${name}” could not be ${isFirst ? "read" : "refreshed"}`,
            body: error,
          }),
        ]
      : []),
  ];
}

/** Ends a run that failed as a whole. */
export async function failRun(ctx: Ctx, dataset: Running, reason: string): Promise<void> {
  const [pages, before] = [
    await readPages(ctx, dataset.id, dataset.website.next_run),
    await readPages(ctx, dataset.id, dataset.website.run),
  ];
  await commitOnce(ctx, failStatements(ctx, dataset, reason));
  deleteKeys(ctx, pages, before);
}
