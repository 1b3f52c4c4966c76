import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { datasetOf, getDataset } from "../../../src/datasets/queries.ts";
import { deleteDataset } from "../../../src/datasets/service.ts";
import { createWebsite } from "../../../src/datasets/websites/service.ts";
import { htmlPage, sitemapIndex, xmlSitemap } from "../../support/fake-website.ts";
import { page, useWebsite } from "../support/websites.ts";

const website = useWebsite();
const { harness } = website;

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

  test("that is a sitemap becomes the pages of its own site, and the report shows each problem", async () => {
    website.publish(["a", "b"], {
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
    expect(await website.pathsOf(id)).toEqual(["/a", "/b"]);
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
    website.publish(Array.from({ length: 203 }, (_, n) => `p${n}`));
    const id = await website.read("/sitemap.xml");
    expect(await website.row(id)).toMatchObject({ processing_status: "ready", sample_count: 200 });
    expect((await website.report(id))["notes"]).toEqual(["The sitemap has more than 200 pages. Only the first 200 are read."]);
    expect(await harness.one("select pages from dataset_page_quotas where user_id = $1", [harness.userId])).toEqual({
      pages: 200,
    });
  });

  test("is read in slices, each of a page at least, and no page twice", async () => {
    website.publish(["a", "b", "c", "d"]);
    website.slice(0);
    const id = await website.create("/sitemap.xml");
    await harness.work();
    expect(await website.pathsOf(id)).toEqual(["/a", "/b", "/c", "/d"]);
    const paths = website.site.takePaths();
    expect(paths.filter((path) => path.length === 2)).toEqual(["/a", "/b", "/c", "/d"]);
    expect(paths.filter((path) => path === "/sitemap.xml")).toHaveLength(1);
    expect(paths.filter((path) => path === "/robots.txt")).toHaveLength(4);
  });

  test("whose robots.txt asks for a delay is read with it", async () => {
    website.publish(["a", "b", "c"], { "/robots.txt": "User-agent: *\nCrawl-delay: 30" });
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
      { kind: "page" },
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
    website.publish(["a"], {
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
    website.publish(["a"]);
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
    website.publish(["a", "b", "c"]);
    const id = await website.create("/sitemap.xml");
    const stopped = Promise.withResolvers<void>();
    website.site.pages["/b"] = () => stopped.resolve();
    await harness.stopConsumer(stopped.promise);
    website.publish(["a", "b", "c"]);
    website.site.takePaths();
    await harness.work();
    expect(website.site.takePaths().filter((path) => path.length === 2)).toEqual(["/b", "/c"]);
    expect(await website.pathsOf(id)).toEqual(["/a", "/b", "/c"]);
    expect(await website.notifications()).toHaveLength(1);
  });

  test("that is deleted while it is refreshed leaves no files", async () => {
    website.publish(["a", "b"]);
    const id = await website.read("/sitemap.xml");
    website.publish(["a", "b"], {
      "/b": (_, response) => void deleteDataset(harness.ctx, harness.userId, id).then(() => response.end(page("B2"))),
    });
    await website.refresh(id);
    await harness.work();
    expect(Array.from(harness.bucket.objects.keys())).toEqual([]);
  });
});

/** The robots.txt of a site is read before its pages. */
function byRobotsFirst(a: string, b: string): number {
  return Number(b === "/robots.txt") - Number(a === "/robots.txt");
}
