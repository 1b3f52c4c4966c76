import { WorkMeter } from "../../kit/async/work-meter.ts";
import type { Ctx } from "../../context.ts";
import { withR2Errors } from "../../kit/storage/r2.ts";
import { maxCrawlDelaySeconds, maxFileBytes } from "../constants.ts";
import { PageError } from "./page-error.ts";
import { readPageText } from "./page-rows.ts";
import { readPage, type PageClient } from "./read-page.ts";
import type { Robots } from "./robots.ts";
import { readPages, savePage, type PageState, type Running } from "./run-state.ts";

/**
 * Fetches the missing pages of a run, one after the other, with the delay that the site asks for. A page that has not changed keeps its
 * rows, and so does one that is away for a moment.
 * @param deadline when the slice ends, on the clock of `performance`
 * @returns whether all pages were fetched
 * @throws retryable errors of our own storage; dataset_not_found
 */
export async function fetchPages(
  ctx: Ctx,
  client: PageClient,
  robots: Robots,
  dataset: Running,
  deadline: number,
): Promise<boolean> {
  const missing = await readPages(ctx, dataset.id, dataset.website.next_run, true);
  const before = new Map((await readPages(ctx, dataset.id, dataset.website.run)).map((page) => [page.url, page]));
  const fetched = await readPages(ctx, dataset.id, dataset.website.next_run);
  let size = fetched.reduce((sum, page) => sum + page.size, 0);
  const work = new WorkMeter();
  for (const [index, page] of missing.entries()) {
    // Each slice fetches a page, however long its start took.
    if (index > 0 && performance.now() >= deadline) return false;
    const url = new URL(page.url);
    const { seconds } = await robots.delayOf(url);
    if (seconds > 0 && page.position > 1) await client.wait(seconds);
    const outcome = await outcomeOf(ctx, client, robots, dataset, page, before.get(page.url), maxFileBytes - size, work);
    await savePage(ctx, dataset, page, outcome);
    size += outcome.size ?? 0;
  }
  return true;
}

/** The note for an owner whose site asks for a longer delay than is kept; undefined otherwise. */
export async function noteOfDelay(robots: Robots, url: URL): Promise<string | undefined> {
  const { asked } = await robots.delayOf(url);
  if (asked <= maxCrawlDelaySeconds) return undefined;
  return `The robots.txt of the site asks for ${asked} seconds between two pages. The maximum of ${maxCrawlDelaySeconds} is kept.`;
}

async function outcomeOf(
  ctx: Ctx,
  client: PageClient,
  robots: Robots,
  { folder, website }: Running,
  { url }: PageState,
  before: PageState | undefined,
  bytesLeft: number,
  work: WorkMeter,
) {
  const kept =
    before?.key == null
      ? undefined
      : {
          title: before.title,
          key: before.key,
          size: before.size,
          hash: before.hash,
          etag: before.etag,
          last_modified: before.last_modified,
        };
  try {
    const address = new URL(url);
    const page = await readPage(client, address, {
      validators: kept === undefined ? undefined : { etag: kept.etag, last_modified: kept.last_modified },
      async check(target) {
        if (website.kind === "sitemap" && target.origin !== address.origin)
          throw new PageError("redirected", "The page redirects to another site.");
        await robots.assertAllowed(target);
      },
    });
    if (page.bytes === null) return kept!;
    const { etag, last_modified } = page;
    const { bytes, hash, title } = await readPageText({ ...page, bytes: page.bytes }, work);
    if (hash === kept?.hash) return { ...kept, etag, last_modified };
    if (bytes.length > bytesLeft)
      throw new PageError("too_large", `The pages of the website together exceed the limit of ${maxFileBytes} bytes.`);
    const key = `${folder}pages/${crypto.randomUUID()}.jsonl`;
    await withR2Errors(ctx.env.FILES.put(key, bytes));
    return { title, key, size: bytes.length, hash, etag, last_modified };
  } catch (error) {
    if (!(error instanceof PageError)) throw error;
    return { ...(error.isPassing ? kept : undefined), problem: error.code, detail: error.message };
  }
}
