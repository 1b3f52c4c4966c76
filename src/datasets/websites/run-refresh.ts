import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commitOnce, type Statement } from "../../kit/db/commit.ts";
import { constraintOf, toAppError } from "../../kit/db/errors.ts";
import { deleteByPrefix } from "../../kit/storage/r2.ts";
import type { GiveUpReason } from "../../kit/queue/handler.ts";
import { enqueueJob } from "../../kit/queue/outbox.ts";
import { refreshWebsite } from "../job-definitions.ts";
import { datasets } from "../tables.ts";
import { fetchPages, noteOfDelay } from "./fetch-pages.ts";
import { failRun, failStatements, finishRun } from "./finish-run.ts";
import { listPages } from "./list-pages.ts";
import { PageError } from "./page-error.ts";
import { createPageClient, type PageClient } from "./read-page.ts";
import { Robots } from "./robots.ts";
import { readRunning, saveList, type Running } from "./run-state.ts";

/** How long one job fetches pages before it enqueues the next one, in ms. */
const sliceMs = 60_000;

type Payload = { dataset_id: number; run: number };

/**
 * Reads a website: lists its pages, fetches them in slices, and replaces the rows of the dataset if something changed. After an
 * interruption it resumes at the first page that is missing.
 * @throws retryable errors of our own services. A run that fails as a whole keeps the rows of the dataset, and says why
 */
export async function resumeRefresh(
  ctx: Ctx,
  { dataset_id, run }: Payload,
  { client = createPageClient(ctx.env), ms = sliceMs }: { client?: PageClient; ms?: number } = {},
): Promise<void> {
  const dataset = await readRunning(ctx, dataset_id, run);
  if (dataset === undefined) return;
  try {
    await readWebsite(ctx, client, dataset, performance.now() + ms);
  } catch (error) {
    if (constraintOf(error) === "dataset_not_found") return deleteOrphanFiles(ctx, dataset);
    const failure = error instanceof PageError ? error : toAppError(error, ctx.constraintErrors);
    if (failure === undefined || (!(failure instanceof PageError) && failure.retryable)) throw error;
    await failRun(ctx, dataset, failure.message);
  }
}

async function readWebsite(ctx: Ctx, client: PageClient, dataset: Running, deadline: number): Promise<void> {
  const robots = new Robots(client);
  const { id, user_id } = dataset;
  let { website } = dataset;
  if (website.notes === null) {
    const list = await listPages(client, robots, new URL(website.url), website.kind);
    const note = await noteOfDelay(robots, new URL(list.urls[0]!));
    website = await saveList(ctx, dataset, { ...list, notes: note === undefined ? list.notes : [...list.notes, note] });
  }
  const running = { ...dataset, website };
  if (await fetchPages(ctx, client, robots, running, deadline)) return await finishRun(ctx, running);
  await commitOnce(ctx, [enqueueJob(ctx, refreshWebsite, { dataset_id: id, run: website.next_run }, user_id)]);
}

/** Deletes files that were stored after the dataset was deleted. */
async function deleteOrphanFiles({ db, env }: Ctx, { id, folder }: Running): Promise<void> {
  const [left] = await db.select({ id: datasets.id }).from(datasets).where(eq(datasets.id, id));
  if (left === undefined) await deleteByPrefix(env.FILES, folder);
}

/** The statements that end a run because its job was given up. */
export async function giveUpRefresh(ctx: Ctx, { dataset_id, run }: Payload, reason: GiveUpReason): Promise<Statement[]> {
  const dataset = await readRunning(ctx, dataset_id, run);
  return dataset === undefined ? [] : failStatements(ctx, dataset, whyGivenUp(reason));
}

function whyGivenUp({ code, requestId }: GiveUpReason): string {
  if (code === "consumer_lost")
    return "Reading the website was stopped twice before it ended: a page needs too much time or memory.";
  if (code === "attempts_exhausted")
    return "The website could not be read after the last retry: our storage was out, or a knowledge base was being built from the dataset.";
  return `An internal error occurred. Report this request ID: ${requestId}.`;
}

/** The statements that reopen a run for the replay of its job. */
export async function reopenRefresh({ db }: Ctx, { dataset_id, run }: Payload): Promise<Statement[]> {
  const { website, processing_status } = datasets;
  return [
    db.execute(sql`
      update ${datasets} set website = ${website} || ${JSON.stringify({ next_run: run, notes: null })}::jsonb, next_refresh_at = null,
        processing_status = case when ${processing_status} = 'failed' then 'pending' else ${processing_status} end,
        error = null
      where id = ${dataset_id} and ${website} ->> 'next_run' is null and (${website} ->> 'run')::int + 1 = ${run}`),
  ];
}
