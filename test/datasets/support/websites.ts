import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Ctx } from "../../../src/context.ts";
import { refreshWebsite } from "../../../src/datasets/job-definitions.ts";
import { datasetJobs } from "../../../src/datasets/jobs.ts";
import { NewWebsite } from "../../../src/datasets/schemas.ts";
import { createPageClient } from "../../../src/datasets/websites/read-page.ts";
import { giveUpRefresh, reopenRefresh, resumeRefresh } from "../../../src/datasets/websites/run-refresh.ts";
import { createWebsite, refreshDataset } from "../../../src/datasets/websites/service.ts";
import { handleJob } from "../../../src/kit/queue/handler.ts";
import { knowledgeJobs } from "../../../src/knowledge/jobs.ts";
import { htmlPage, startFakeWebsite, xmlSitemap, type FakePage, type FakeWebsite } from "../../support/fake-website.ts";
import { useServiceHarness } from "../../support/service-harness.ts";
import { datasetRow, rowsOf } from "./imports.ts";

/** A page of a fake website. */
export const page = (name: string) => htmlPage(`Page ${name}`, `The page ${name} has a text of its own.`);

/** A fake website, and the service harness that reads it without waiting. Registers the hooks of a test file. */
export function useWebsite() {
  let site: FakeWebsite;
  let waits: number[] = [];
  let sliceMs = 60_000;
  const run = (ctx: Ctx, payload: { dataset_id: number; run: number }) => {
    const client = createPageClient(ctx.env, { wait: async (seconds) => void waits.push(seconds) });
    return resumeRefresh(ctx, payload, { client, ms: sliceMs });
  };
  const handlers = [
    ...datasetJobs.filter(({ job }) => job.name !== refreshWebsite.name),
    handleJob(refreshWebsite, run, { onGiveUp: giveUpRefresh, onReplay: reopenRefresh }),
    ...knowledgeJobs,
  ];
  beforeAll(async () => {
    site = await startFakeWebsite();
  });
  afterAll(() => site.close());
  const harness = useServiceHarness({ handlers, bindings: () => ({ EGRESS_ALLOWED_HOSTS: site.host }) });
  beforeEach(() => {
    site.pages = {};
    site.takePaths();
    [waits, sliceMs] = [[], 60_000];
  });
  return {
    harness,
    handlers,
    get site() {
      return site;
    },
    get waits() {
      return waits;
    },
    /** Lets each job fetch pages for so long, in ms. */
    slice: (ms: number) => void (sliceMs = ms),
    urlOf: (path: string) => `${site.origin}${path}`,
    /** Gives the site a sitemap of these pages, and other pages. */
    publish(names: readonly string[], pages: Readonly<Record<string, FakePage>> = {}): void {
      site.pages = {
        "/sitemap.xml": {
          body: xmlSitemap(names.map((name) => `${site.origin}/${name}`)),
          headers: { "content-type": "application/xml" },
        },
        ...Object.fromEntries(names.map((name) => [`/${name}`, { body: page(name), headers: { etag: `"${name}"` } }])),
        ...pages,
      };
    },
    create: async (path: string, more: object = {}) => {
      const body = NewWebsite.parse({ url: `${site.origin}${path}`, ...more });
      return (await createWebsite(harness.ctx, harness.userId, body)).id;
    },
    /** Creates a website, and reads it. */
    async read(path: string, more: object = {}) {
      const id = await this.create(path, more);
      await harness.work();
      return id;
    },
    async refresh(id: number) {
      await refreshDataset(harness.ctx, harness.userId, id);
      await harness.work();
    },
    row: (id: number) => datasetRow(harness, id),
    /** The sources of the rows, each with the start of its text. */
    async rows(id: number) {
      return (await rowsOf(harness, id)).map(({ source, text }) => ({ path: source.slice(site.origin.length), text }));
    },
    async pathsOf(id: number) {
      return (await this.rows(id)).map(({ path }) => path);
    },
    async report(id: number) {
      return ((await datasetRow(harness, id)) as { report: { website: Record<string, unknown> } }).report.website;
    },
    notifications: () =>
      harness.database.sql("select kind, title, body from notifications where user_id = $1 order by id", [harness.userId]),
  };
}
