import { describe, expect, test } from "vitest";
import { gzipSync } from "node:zlib";
import { changeDataset, deleteDataset } from "../../../src/datasets/service.ts";
import { createWebsite, refreshDataset, refreshDueWebsites } from "../../../src/datasets/websites/service.ts";
import { constraintOf } from "../../../src/kit/db/errors.ts";
import { getDataset, datasetOf } from "../../../src/datasets/queries.ts";
import { htmlPage, sitemapIndex, xmlSitemap, type FakePage } from "../../support/fake-website.ts";
import { createUser } from "../../support/users.ts";
import { useWebsite } from "../support/websites.ts";

const website = useWebsite();
const { harness } = website;

const page = (name: string, text = `The page ${name} has a text of its own.`) => htmlPage(`Page ${name}`, text);

/** A site with a sitemap of these pages. */
function publish(names: readonly string[], pages: Readonly<Record<string, FakePage>> = {}): void {
  website.site.pages = {
    "/sitemap.xml": {
      body: xmlSitemap(names.map((name) => website.urlOf(`/${name}`))),
      headers: { "content-type": "application/xml" },
    },
    ...Object.fromEntries(names.map((name) => [`/${name}`, { body: page(name), headers: { etag: `"${name}"` } }])),
    ...pages,
  };
}

const isRefused = (code: string) => (error: unknown) => constraintOf(error) === code;

const pathsOf = async (id: number) => (await website.rows(id)).map(({ path }) => path);

describe("a website", () => {
  test("that is one page becomes a dataset whose rows cite the page", async () => {
    website.site.pages["/guide?part=1"] = page("A");
    const id = await website.read("/guide?part=1#top", { description: "About it" });
    const dataset = datasetOf(await getDataset(harness.ctx, harness.userId, id), harness.userId);
    expect(dataset).toMatchObject({
      type: "website",
      name: "127.0.0.1/guide",
      processing_status: "ready",
      sample_count: 1,
      source: website.urlOf("/guide?part=1"),
      website: { kind: "page", refresh: "manual", is_refreshing: false, error: null, next_refresh_at: null },
    });
    expect(dataset.website!.last_refreshed_at).toBeInstanceOf(Date);
    expect(await website.rows(id)).toEqual([{ path: "/guide?part=1", text: expect.stringContaining("The page A has a text") }]);
    expect(website.site.takePaths()).toEqual(["/guide?part=1", "/robots.txt", "/guide?part=1"].toSorted(byRobotsFirst));
    expect(await website.notifications()).toEqual([
      { kind: "dataset_ready", title: "“127.0.0.1/guide” is ready", body: "1 of 1 pages were read." },
    ]);
  });

  test("that is a sitemap becomes the pages of its own site, and each problem is told", async () => {
    publish(["a", "b"], {
      "/robots.txt": "User-agent: *\nDisallow: /private",
      "/sitemap.xml": sitemapIndex([
        website.urlOf("/1.xml.gz"),
        website.urlOf("/gone.xml"),
        website.urlOf("/sitemap.xml"),
        "https://other.example.com/2.xml",
      ]),
      "/1.xml.gz": {
        body: gzipSync(
          xmlSitemap([
            ...["/a", "/gone", "/private/x", "/away", "/image", "/large", "/empty", "/hidden", "/b", "/a#again"].map(
              website.urlOf,
            ),
            "https://other.example.com/c",
            "javascript:alert(1)",
          ]),
        ),
        headers: { "content-type": "application/octet-stream" },
      },
      "/away": { status: 302, headers: { location: "https://other.example.com/" } },
      "/image": { body: "x", headers: { "content-type": "image/png" } },
      "/large": "x".repeat(2_200_000),
      "/empty": "<!doctype html><html></html>",
      "/hidden": htmlPage("Hidden", "A text.", '<meta name="robots" content="noindex">'),
    });
    const id = await website.read("/sitemap.xml");
    expect(await pathsOf(id)).toEqual(["/a", "/b"]);
    const { problems, ...report } = await website.report(id);
    expect(report).toEqual({
      listed: 9,
      read: 2,
      added: 2,
      changed: 0,
      unchanged: 0,
      removed: 0,
      problem_count: 7,
      error: null,
      notes: [
        `3 URLs of the sitemap are not on ${website.site.origin} and are not read.`,
        "1 further sitemaps could not be read.",
      ],
    });
    expect((problems as { url: string; code: string }[]).map(({ url, code }) => [new URL(url).pathname, code])).toEqual([
      ["/gone", "not_found"],
      ["/private/x", "blocked_by_robots"],
      ["/away", "redirected"],
      ["/image", "unreadable"],
      ["/large", "too_large"],
      ["/empty", "no_text"],
      ["/hidden", "no_index"],
    ]);
    expect(website.site.takePaths()).not.toContain("/private/x");
  });

  test("of more than 200 pages is read up to the limit", async () => {
    publish(Array.from({ length: 203 }, (_, n) => `p${n}`));
    const id = await website.read("/sitemap.xml");
    expect(await website.row(id)).toMatchObject({ processing_status: "ready", sample_count: 200 });
    expect((await website.report(id))["notes"]).toEqual(["The sitemap has more than 200 pages. Only the first 200 are read."]);
    expect(await harness.one("select pages from dataset_page_quotas where user_id = $1", [harness.userId])).toEqual({
      pages: 200,
    });
  });

  test("is read in slices, each of a page at least, and no page twice", async () => {
    publish(["a", "b", "c", "d"]);
    website.slice(0);
    const id = await website.create("/sitemap.xml");
    await harness.work();
    expect(await pathsOf(id)).toEqual(["/a", "/b", "/c", "/d"]);
    const paths = website.site.takePaths();
    expect(paths.filter((path) => path.length === 2)).toEqual(["/a", "/b", "/c", "/d"]);
    expect(paths.filter((path) => path === "/sitemap.xml")).toHaveLength(1);
    expect(paths.filter((path) => path === "/robots.txt")).toHaveLength(4);
  });

  test("whose robots.txt asks for a delay is read with it", async () => {
    publish(["a", "b", "c"], { "/robots.txt": "User-agent: *\nCrawl-delay: 30" });
    const id = await website.read("/sitemap.xml");
    expect(website.waits).toEqual([10, 10]);
    expect((await website.report(id))["notes"]).toEqual([
      "The robots.txt of the site asks for 30 seconds between two pages. The maximum of 10 is kept.",
    ]);
  });

  test.each([
    [
      "a page that is missing",
      "/none",
      {},
      "No page could be read. http://127.0.0.1:[0-9]+/none: The page does not exist \\(404\\).",
    ],
    ["no sitemap", "/a", { kind: "sitemap" }, "The URL is no sitemap"],
    ["an empty sitemap", "/empty.xml", {}, "The sitemap has no pages of its own site."],
    [
      "a robots.txt that fails",
      "/closed",
      {},
      "The robots.txt of the site could not be read, so no page is read. The site failed \\(503\\).",
    ],
  ])("of %s fails with the reason", async (name, path, more, reason) => {
    publish(["a"], {
      "/empty.xml": xmlSitemap([]),
      ...(name.includes("robots") ? { "/robots.txt": { status: 503 } } : {}),
    });
    const id = await website.read(path, more);
    const row = await website.row(id);
    expect(row).toMatchObject({ processing_status: "failed", error: expect.stringMatching(reason) });
    expect(await website.notifications()).toMatchObject([{ kind: "dataset_failed", body: row["error"] }]);
  });

  test("that failed at first can be read again", async () => {
    const id = await website.read("/a");
    expect(await website.row(id)).toMatchObject({ processing_status: "failed" });
    publish(["a"]);
    await website.refresh(id);
    expect(await website.row(id)).toMatchObject({ processing_status: "ready", error: null, sample_count: 1 });
  });

  test.each([
    ["http://example.com/", "must begin with https://"],
    ["https://127.0.0.1/", "must use a host name, not an IP address"],
    ["https://localhost/", "must name a host on the public internet"],
    ["https://a:b@example.com/", "must not contain a username or password"],
    ["https://example.com:22/", "must use port 443 or 8443"],
    ["ftp://example.com/", "must begin with https://"],
  ])("at %s is refused", async (url, message) => {
    await expect(createWebsite(harness.ctx, harness.userId, { url, refresh: "manual" })).rejects.toMatchObject({
      code: "validation_failed",
      message: `url: ${message}`,
    });
  });

  test("is one job whose duplicate and whose death do nothing twice", async () => {
    publish(["a", "b", "c"]);
    const id = await website.create("/sitemap.xml");
    const stopped = Promise.withResolvers<void>();
    website.site.pages["/b"] = () => stopped.resolve();
    await harness.stopConsumer(stopped.promise);
    publish(["a", "b", "c"]);
    website.site.takePaths();
    await harness.work();
    expect(website.site.takePaths().filter((path) => path.length === 2)).toEqual(["/b", "/c"]);
    expect(await pathsOf(id)).toEqual(["/a", "/b", "/c"]);
    expect(await website.notifications()).toHaveLength(1);
  });

  test("that is deleted while it is refreshed leaves no files", async () => {
    publish(["a", "b"]);
    const id = await website.read("/sitemap.xml");
    publish(["a", "b"], {
      "/b": (_, response) => void deleteDataset(harness.ctx, harness.userId, id).then(() => response.end(page("B2"))),
    });
    await website.refresh(id);
    await harness.work();
    expect(Array.from(harness.bucket.objects.keys())).toEqual([]);
  });
});

describe("a refresh", () => {
  test("replaces the pages that changed, adds new ones, removes those that are gone, and keeps the others", async () => {
    publish(["a", "b", "c", "d"]);
    const id = await website.read("/sitemap.xml");
    const puts = harness.bucket.puts.length;
    publish(["a", "b", "c", "e"], { "/b": page("B2"), "/c": { status: 410 } });
    website.site.requests.splice(0);
    await website.refresh(id);
    expect(await website.rows(id)).toEqual(
      ["/a", "/b", "/e"].map((path) => ({
        path,
        text: expect.stringContaining(path === "/b" ? "page B2" : `page ${path.slice(1)}`),
      })),
    );
    expect(await website.report(id)).toMatchObject({
      added: 1,
      changed: 1,
      unchanged: 1,
      removed: 2,
      read: 3,
      problem_count: 1,
    });
    const conditions = website.site.requests.filter(({ headers }) => headers["if-none-match"] !== undefined);
    expect(conditions.map(({ path }) => path)).toEqual(["/a", "/b", "/c"]);
    expect(harness.bucket.puts.slice(puts).map((key) => key.split("/").at(-2))).toEqual(["pages", "pages", "rows"]);
    expect((await website.notifications()).at(-1)).toMatchObject({
      kind: "dataset_refreshed",
      body: "1 new page, 1 changed page, 2 removed pages.",
    });
    expect(Array.from(harness.bucket.objects.keys())).toHaveLength(4);
  });

  test("without a change stores nothing and tells nobody", async () => {
    publish(["a", "b"], { "/b": page("b") });
    const id = await website.read("/sitemap.xml");
    const [before, puts] = [await website.row(id), harness.bucket.puts.length];
    publish(["a", "b"], { "/b": page("b").replace("<head>", '<head><script nonce="2"></script>') });
    await website.refresh(id);
    const after = await website.row(id);
    expect([harness.bucket.puts.length, after["parts"], after["updated_at"]]).toEqual([
      puts,
      before["parts"],
      before["updated_at"],
    ]);
    expect(after["last_refreshed_at"]).not.toEqual(before["last_refreshed_at"]);
    expect(await website.report(id)).toMatchObject({ unchanged: 2, changed: 0, error: null });
    expect(await website.notifications()).toHaveLength(1);
  });

  test("keeps the rows of a page that is away for a moment", async () => {
    publish(["a", "b"]);
    const id = await website.read("/sitemap.xml");
    publish(["a", "b"], { "/b": { status: 503 }, "/a": page("A2") });
    await website.refresh(id);
    expect(await pathsOf(id)).toEqual(["/a", "/b"]);
    expect(await website.report(id)).toMatchObject({
      changed: 1,
      problems: [{ url: website.urlOf("/b"), code: "unavailable", message: "The site failed (503). Try again later." }],
    });
  });

  test.each<[string, Record<string, FakePage>]>([
    ["the sitemap fails", { "/sitemap.xml": { status: 500 } }],
    ["a page has become the sitemap", { "/sitemap.xml": page("home") }],
    ["all pages fail", { "/a": { status: 500 }, "/b": { status: 404 } }],
    ["the robots.txt fails", { "/robots.txt": { status: 503 } }],
  ])("loses nothing if %s, and says so once", async (_, pages) => {
    publish(["a", "b"]);
    const id = await website.read("/sitemap.xml", { refresh: "daily" });
    const before = await website.row(id);
    for (let n = 0; n < 2; n++) {
      publish(["a", "b"], pages);
      await website.refresh(id);
    }
    const after = await website.row(id);
    expect(await pathsOf(id)).toEqual(["/a", "/b"]);
    expect(after).toMatchObject({
      processing_status: "ready",
      parts: before["parts"],
      website: { next_run: null, error: expect.any(String) },
    });
    expect((await website.report(id))["error"]).toEqual((after["website"] as { error: string }).error);
    expect((await website.notifications()).map(({ kind }) => kind)).toEqual(["dataset_ready", "dataset_refresh_failed"]);
    expect(Number(after["next_refresh_at"])).toBeGreaterThan(Date.now());

    publish(["a", "b"]);
    await website.refresh(id);
    expect(await website.row(id)).toMatchObject({ website: { error: null } });
    expect((await website.report(id))["error"]).toBeNull();
  });

  test("is refused for a file, and while another one is going on", async () => {
    publish(["a"]);
    const id = await website.create("/a");
    const refresh = (dataset: number) => refreshDataset(harness.ctx, harness.userId, dataset);
    await expect(refresh(id)).rejects.toSatisfy(isRefused("dataset_refreshing"));
    const file = await harness.one(
      "insert into datasets (user_id, name, processing_status) values ($1, 'file', 'ready') returning id",
      [harness.userId],
    );
    await expect(refresh(Number(file["id"]))).rejects.toSatisfy(isRefused("dataset_no_website"));
    await expect(refresh(2_000_000_000)).rejects.toSatisfy(isRefused("dataset_not_found"));
  });

  test("waits while a job reads the rows", async () => {
    publish(["a"]);
    const id = await website.read("/a");
    await harness.database.sql("insert into dataset_uses (dataset_id, used_by) values ($1, 'knowledge-base:1')", [id]);
    publish(["a"], { "/a": page("A2") });
    await refreshDataset(harness.ctx, harness.userId, id);
    await harness.deliver(60);
    expect((await website.rows(id))[0]!.text).toContain("page a");
    await harness.database.sql("delete from dataset_uses where dataset_id = $1", [id]);
    await harness.work();
    expect((await website.rows(id))[0]!.text).toContain("page A2");
  });

  test("beyond the pages of a day is refused, and one that would exceed them fails", async () => {
    publish(["a", "b", "c"]);
    const id = await website.read("/sitemap.xml");
    const setPages = (pages: number) =>
      harness.database.sql("update dataset_page_quotas set pages = $2 where user_id = $1", [harness.userId, pages]);
    await setPages(1_998);
    await website.refresh(id);
    expect((await website.report(id))["error"]).toContain("limit of 2000 pages a day");
    await setPages(2_000);
    await expect(website.refresh(id)).rejects.toSatisfy(isRefused("dataset_pages_reached"));
    await expect(website.create("/a")).rejects.toSatisfy(isRefused("dataset_pages_reached"));
    await harness.database.sql("update dataset_page_quotas set day = day - 1 where user_id = $1", [harness.userId]);
    await website.refresh(id);
    expect(await harness.one("select pages from dataset_page_quotas where user_id = $1", [harness.userId])).toEqual({
      pages: 3,
    });
  });
});

describe("a daily refresh", () => {
  const due = (id: number) =>
    harness.database.sql("update datasets set next_refresh_at = now() - interval '1 minute' where id = $1", [id]);

  test("starts when it is due, once, and is due again a day later", async () => {
    publish(["a"]);
    const id = await website.read("/a", { refresh: "daily" });
    const inADay = await harness.one(
      "select next_refresh_at between now() + interval '23 hours' and now() + interval '25 hours 1 minute' as is_so from datasets where id = $1",
      [id],
    );
    expect(inADay).toEqual({ is_so: true });
    expect(await refreshDueWebsites(harness.ctx)).toBe(0);
    await due(id);
    publish(["a"], { "/a": page("A2") });
    expect(await Promise.all([refreshDueWebsites(harness.ctx), refreshDueWebsites(harness.ctx)])).toEqual(
      expect.arrayContaining([1, 0]),
    );
    await harness.loseLeases();
    await harness.work();
    expect((await website.rows(id))[0]!.text).toContain("page A2");
  });

  test("can be switched on and off", async () => {
    publish(["a"]);
    const id = await website.read("/a");
    const change = (refresh: "daily" | "manual") => changeDataset(harness.ctx, harness.userId, id, { refresh }, undefined);
    expect(await change("daily")).toMatchObject({ website: { refresh: "daily" }, next_refresh_at: expect.any(Date) });
    expect(await change("manual")).toMatchObject({ website: { refresh: "manual" }, next_refresh_at: null });
    const file = await harness.one(
      "insert into datasets (user_id, name, processing_status) values ($1, 'file', 'ready') returning id",
      [harness.userId],
    );
    await expect(
      changeDataset(harness.ctx, harness.userId, Number(file["id"]), { refresh: "daily" }, undefined),
    ).rejects.toSatisfy(isRefused("dataset_no_website"));
  });

  test("of one user's many websites does not delay those of others", async () => {
    const other = await createUser(harness);
    const insert = (userId: number, minutes: number) =>
      harness.database.sql(
        `insert into datasets (user_id, name, type, processing_status, website, next_refresh_at)
         values ($1, 'site', 'website', 'ready', '{"url":"https://example.com/","run":1,"next_run":null}', now() - make_interval(mins => $2))`,
        [userId, minutes],
      );
    for (let n = 0; n < 210; n++) await insert(harness.userId, 1_000 - n);
    await insert(other.id, 1);
    expect(await refreshDueWebsites(harness.ctx)).toBe(200);
    const jobs = await harness.database.sql("select user_id from outbox where name = 'refresh-website' and user_id = $1", [
      other.id,
    ]);
    expect(jobs).toHaveLength(1);
  });
});

/** The robots.txt of a site is read before its pages. */
function byRobotsFirst(a: string, b: string): number {
  return Number(b === "/robots.txt") - Number(a === "/robots.txt");
}
