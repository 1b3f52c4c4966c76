import { describe, expect, test } from "vitest";
import { changeDataset } from "../../../src/datasets/service.ts";
import { refreshDataset, refreshDueWebsites } from "../../../src/datasets/websites/service.ts";
import { constraintOf } from "../../../src/kit/db/errors.ts";
import type { FakePage } from "../../support/fake-website.ts";
import { createUser } from "../../support/users.ts";
import { page, useWebsite } from "../support/websites.ts";

/** Websites that are read again. */

const website = useWebsite();
const { harness } = website;

const isRefused = (code: string) => (error: unknown) => constraintOf(error) === code;

describe("a refresh", () => {
  test("replaces the pages that changed, adds new ones, removes those that are gone, and keeps the others", async () => {
    website.publish(["a", "b", "c", "d"]);
    const id = await website.read("/sitemap.xml");
    const puts = harness.bucket.puts.length;
    website.publish(["a", "b", "c", "e"], { "/b": page("B2"), "/c": { status: 410 } });
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
    website.publish(["a", "b"], { "/b": page("b") });
    const id = await website.read("/sitemap.xml");
    const [before, puts] = [await website.row(id), harness.bucket.puts.length];
    website.publish(["a", "b"], { "/b": page("b").replace("<head>", '<head><script nonce="2"></script>') });
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
    website.publish(["a", "b"]);
    const id = await website.read("/sitemap.xml");
    website.publish(["a", "b"], { "/b": { status: 503 }, "/a": page("A2") });
    await website.refresh(id);
    expect(await website.pathsOf(id)).toEqual(["/a", "/b"]);
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
    website.publish(["a", "b"]);
    const id = await website.read("/sitemap.xml", { refresh: "daily" });
    const before = await website.row(id);
    for (let n = 0; n < 2; n++) {
      website.publish(["a", "b"], pages);
      await website.refresh(id);
    }
    const after = await website.row(id);
    expect(await website.pathsOf(id)).toEqual(["/a", "/b"]);
    expect(after).toMatchObject({
      processing_status: "ready",
      parts: before["parts"],
      website: { next_run: null, error: expect.any(String) },
    });
    expect((await website.report(id))["error"]).toEqual((after["website"] as { error: string }).error);
    expect((await website.notifications()).map(({ kind }) => kind)).toEqual(["dataset_ready", "dataset_refresh_failed"]);
    expect(Number(after["next_refresh_at"])).toBeGreaterThan(Date.now());

    website.publish(["a", "b"]);
    await website.refresh(id);
    expect(await website.row(id)).toMatchObject({ website: { error: null } });
    expect((await website.report(id))["error"]).toBeNull();
  });

  test("is refused for a file, and while another one is going on", async () => {
    website.publish(["a"]);
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
    website.publish(["a"]);
    const id = await website.read("/a");
    await harness.database.sql("insert into dataset_uses (dataset_id, used_by) values ($1, 'knowledge-base:1')", [id]);
    website.publish(["a"], { "/a": page("A2") });
    await refreshDataset(harness.ctx, harness.userId, id);
    await harness.deliver(60);
    expect((await website.rows(id))[0]!.text).toContain("page a");
    await harness.database.sql("delete from dataset_uses where dataset_id = $1", [id]);
    await harness.work();
    expect((await website.rows(id))[0]!.text).toContain("page A2");
  });

  test("beyond the pages of a day is refused, and one that would exceed them fails", async () => {
    website.publish(["a", "b", "c"]);
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
    website.publish(["a"]);
    const id = await website.read("/a", { refresh: "daily" });
    const inADay = await harness.one(
      "select next_refresh_at between now() + interval '23 hours' and now() + interval '25 hours 1 minute' as is_so from datasets where id = $1",
      [id],
    );
    expect(inADay).toEqual({ is_so: true });
    expect(await refreshDueWebsites(harness.ctx)).toBe(0);
    await due(id);
    website.publish(["a"], { "/a": page("A2") });
    expect(await Promise.all([refreshDueWebsites(harness.ctx), refreshDueWebsites(harness.ctx)])).toEqual(
      expect.arrayContaining([1, 0]),
    );
    await harness.loseLeases();
    await harness.work();
    expect((await website.rows(id))[0]!.text).toContain("page A2");
  });

  test("can be switched on and off", async () => {
    website.publish(["a"]);
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
