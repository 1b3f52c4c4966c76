import { and, eq, sql, type SQL } from "drizzle-orm";
import { users } from "../../auth/tables.ts";
import type { Ctx } from "../../context.ts";
import { faultOfPageUrl, urlSettingsOf } from "../../kit/egress/fetch.ts";
import { assertAllInTransaction, commit, commitOnce, idOfNew } from "../../kit/db/commit.ts";
import { validationError } from "../../kit/errors.ts";
import { cleanLabel } from "../../kit/names.ts";
import { enqueueJobsFrom, enqueueJobWithSql } from "../../kit/queue/outbox.ts";
import { datasetLimitChecks, newDataset } from "../insert.ts";
import { refreshWebsite } from "../job-definitions.ts";
import { ownDataset, selectDatasets, type DatasetRow } from "../queries.ts";
import type { NewWebsite } from "../schemas.ts";
import { newFolder } from "../storage.ts";
import { datasets, type Website } from "../tables.ts";
import { hasPagesLeft } from "./run-state.ts";
import { withoutFragment } from "./read-page.ts";

/** Maximum length of the URL of a website. */
const maxUrlLength = 2_048;

/**
 * Creates a dataset from a website, which a job reads. One round trip, and one to the resolver of host names.
 * @throws validation_failed for a URL that must not be read; conflict at the limits of datasets and pages
 */
export async function createWebsite(
  ctx: Ctx,
  userId: number,
  { url: text, name, description = "", kind, refresh }: NewWebsite,
): Promise<DatasetRow> {
  const url = withoutFragment(new URL(text));
  const fault =
    url.href.length > maxUrlLength
      ? `must have at most ${maxUrlLength} characters`
      : await faultOfPageUrl(url, urlSettingsOf(ctx.env));
  if (fault !== undefined) throw validationError([{ path: "url", in: "body", message: fault }]);
  const website: Website = { url: url.href, kind: kind ?? null, refresh, run: 0, next_run: 1, notes: null, error: null };
  const results = await commitOnce(
    ctx,
    [
      ctx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update"),
      assertAllInTransaction(ctx.db, { ...datasetLimitChecks(userId, 0), dataset_pages_reached: hasPagesLeft(userId) }),
      ctx.db.insert(datasets).values({
        user_id: userId,
        type: "website",
        name: name ?? nameOf(url),
        description,
        source: url.href,
        folder: newFolder(userId),
        website,
      }),
      enqueueJobWithSql(ctx, refreshWebsite, sql`jsonb_build_object('dataset_id', ${newDataset}, 'run', 1)`, userId),
      selectDatasets(ctx, userId, sql`${datasets.id} = ${newDataset}`),
    ],
    idOfNew(datasets),
  );
  return (results.at(-1) as DatasetRow[])[0]!;
}

/** The name of a website that its owner gave none: its host and path. */
function nameOf({ hostname, pathname }: URL): string {
  return cleanLabel(`${hostname.replace(/^www\./, "")}${pathname}`.replace(/\/+$/, ""), 120) || "website";
}

/** Starts a run of a website. A website that could not be read at first is read again. */
const started: SQL = sql`
  website = website || jsonb_build_object('next_run', (website ->> 'run')::int + 1, 'notes', null), next_refresh_at = null,
  processing_status = case when processing_status = 'failed' then 'pending' else processing_status end, error = null`;

/** Reads a website again. One round trip. @throws not_found; conflict for another dataset, while it is being read, or at the limit of pages */
export async function refreshDataset(ctx: Ctx, userId: number, id: number): Promise<DatasetRow> {
  const owned = ownDataset(userId, id);
  const has = (condition: SQL) => sql`exists (select from ${datasets} where ${and(owned, condition)})`;
  const nextRun = sql`(select (website ->> 'next_run')::int from ${datasets} where ${owned})`;
  const results = await commit(ctx, [
    ctx.db.select({ id: datasets.id }).from(datasets).where(owned).for("no key update"),
    assertAllInTransaction(ctx.db, {
      dataset_not_found: has(sql`true`),
      dataset_no_website: has(sql`${datasets.website} is not null`),
      dataset_refreshing: has(sql`${datasets.website} ->> 'next_run' is null`),
      dataset_pages_reached: hasPagesLeft(userId),
    }),
    ctx.db.execute(sql`update ${datasets} set ${started} where ${owned}`),
    enqueueJobWithSql(ctx, refreshWebsite, sql`jsonb_build_object('dataset_id', ${id}::int, 'run', ${nextRun})`, userId),
    selectDatasets(ctx, userId, owned),
  ]);
  return (results.at(-1) as DatasetRow[])[0]!;
}

/** Maximum number of websites that one sweep starts. */
const perSweep = 200;

/** Starts the runs that are due, each user's first ones before anybody's second ones. For the cron. @returns how many */
export async function refreshDueWebsites({ db, requestId }: Ctx): Promise<number> {
  const due = sql`next_refresh_at <= now() and website ->> 'next_run' is null`;
  const { rows } = await db.execute(sql`
    with listed as (
      select id, row_number() over (partition by user_id order by next_refresh_at, id) as place, next_refresh_at from ${datasets} where ${due}),
    picked as (
      select d.id from ${datasets} d join listed l on l.id = d.id where d.website ->> 'next_run' is null
      order by l.place, l.next_refresh_at, l.id limit ${perSweep} for no key update of d skip locked),
    started as (
      update ${datasets} set ${started} where id in (select id from picked)
      returning id, user_id, (website ->> 'next_run')::int as run)
    ${enqueueJobsFrom({ requestId }, refreshWebsite, sql`select jsonb_build_object('dataset_id', id, 'run', run), user_id from started`)}
    returning id`);
  return rows.length;
}
