import { and, asc, eq, isNull, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { assertAllInTransaction, commitProgress, type Statement } from "../../kit/db/commit.ts";
import { maxPagesPerDay } from "../constants.ts";
import { datasetPages, datasets, pageQuotas, type Website } from "../tables.ts";
import type { PageList } from "./list-pages.ts";

/** The state of a run in Postgres. Every commit of a run fails with `dataset_not_found` if the run is over. */

/** A dataset whose website is being read. */
export type Running = typeof datasets.$inferSelect & { website: Website & { next_run: number } };

export type PageState = typeof datasetPages.$inferSelect;

/** The condition of a dataset whose website this run reads. */
export const isRun = (id: number, run: number): SQL =>
  and(eq(datasets.id, id), sql`(${datasets.website} ->> 'next_run')::int = ${run}`)!;

/** Fails unless the run goes on. */
export const stillRunning = ({ db }: Ctx, { id, website }: Running): Statement =>
  assertAllInTransaction(db, { dataset_not_found: sql`exists (select from ${datasets} where ${isRun(id, website.next_run)})` });

export async function readRunning({ db }: Ctx, id: number, run: number): Promise<Running | undefined> {
  const [dataset] = await db.select().from(datasets).where(isRun(id, run));
  return dataset as Running | undefined;
}

/** The pages of a run, in order. */
export function readPages({ db }: Ctx, id: number, run: number, onlyMissing = false): Promise<PageState[]> {
  const ofRun = and(eq(datasetPages.dataset_id, id), eq(datasetPages.run, run));
  return db
    .select()
    .from(datasetPages)
    .where(onlyMissing ? and(ofRun, isNull(datasetPages.fetched_at)) : ofRun)
    .orderBy(asc(datasetPages.position));
}

/** New values in the state of a website. */
export const websiteWith = (change: Partial<Website>): SQL => sql`${datasets.website} || ${JSON.stringify(change)}::jsonb`;

/** When a website is read next: a day later, or somewhat more, so that refreshes spread over the day. Null if only on request. */
export const nextRefresh = sql`case when ${datasets.website} ->> 'refresh' = 'daily' then now() + interval '1 day' + random() * interval '1 hour' end`;

/** Whether a user's websites may fetch more pages today. */
export const hasPagesLeft = (userId: number): SQL =>
  sql`not exists (select from ${pageQuotas} where user_id = ${userId} and day = (now() at time zone 'utc')::date and pages >= ${maxPagesPerDay})`;

/** Statements that count pages for the limit of a day, and fail beyond it. */
function reservePages({ db }: Ctx, userId: number, pages: number): Statement[] {
  return [
    db.execute(sql`
      insert into ${pageQuotas} as q (user_id, day, pages) values (${userId}, (now() at time zone 'utc')::date, ${pages})
      on conflict (user_id) do update set day = excluded.day,
        pages = excluded.pages + case when q.day = excluded.day then q.pages else 0 end`),
    assertAllInTransaction(db, {
      dataset_pages_reached: sql`(select pages from ${pageQuotas} where user_id = ${userId}) <= ${maxPagesPerDay}`,
    }),
  ];
}

/** Stores the list of pages of a run. @throws dataset_pages_reached, dataset_not_found */
export async function saveList(
  ctx: Ctx,
  dataset: Running,
  { kind, urls, notes }: PageList,
): Promise<Website & { next_run: number }> {
  const { id, user_id, website, processing_status } = dataset;
  const run = website.next_run;
  const isFirst = processing_status === "pending";
  const listed = JSON.stringify(urls.map((url, index) => ({ url, position: index + 1 })));
  await commitProgress(ctx, [
    ctx.db.select({ id: datasets.id }).from(datasets).where(eq(datasets.id, id)).for("no key update"),
    stillRunning(ctx, dataset),
    ...reservePages(ctx, user_id, urls.length),
    ctx.db.delete(datasetPages).where(and(eq(datasetPages.dataset_id, id), eq(datasetPages.run, run))),
    ctx.db.execute(sql`
      insert into ${datasetPages} (dataset_id, run, position, url)
      select ${id}, ${run}, p.position, p.url from json_to_recordset(${listed}::json) as p(position int, url text)`),
    ctx.db
      .update(datasets)
      .set({ website: websiteWith({ kind, notes }), ...(isFirst ? { processing_status: "processing" } : {}) })
      .where(isRun(id, run)),
  ]);
  return { ...website, kind, notes };
}

type Outcome = Partial<Pick<PageState, "title" | "key" | "size" | "hash" | "etag" | "last_modified" | "problem" | "detail">>;

/** Stores what became of a page. @throws dataset_not_found */
export async function savePage(ctx: Ctx, dataset: Running, { position }: PageState, outcome: Outcome): Promise<void> {
  const ofRun = and(eq(datasetPages.dataset_id, dataset.id), eq(datasetPages.run, dataset.website.next_run));
  await commitProgress(ctx, [
    stillRunning(ctx, dataset),
    ctx.db
      .update(datasetPages)
      .set({ ...outcome, fetched_at: sql`now()` })
      .where(and(ofRun, eq(datasetPages.position, position), isNull(datasetPages.fetched_at))),
  ]);
}
