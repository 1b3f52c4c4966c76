import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createPageClient } from "../../../src/datasets/websites/read-page.ts";
import { Robots } from "../../../src/datasets/websites/robots.ts";
import { startFakeWebsite, type FakePage, type FakeWebsite } from "../../support/fake-website.ts";

let site: FakeWebsite;
beforeAll(async () => {
  site = await startFakeWebsite();
});
afterAll(() => site.close());
beforeEach(() => {
  site.pages = {};
  site.takePaths();
});

const robots = () =>
  new Robots(
    createPageClient(
      { EGRESS_ALLOWED_HOSTS: [site.host], PUBLIC_URL: "https://api.spiritforge.dev", DNS_RESOLVER_URL: "" },
      { wait: async () => undefined },
    ),
  );

const isAllowed = (path: string, all = robots()) =>
  all.assertAllowed(new URL(path, site.origin)).then(
    () => true,
    () => false,
  );

const text = (body: string): FakePage => ({ body, headers: { "content-type": "text/plain" } });

test("the rules for our name hold, otherwise those for all; the longest match wins", async () => {
  site.pages["/robots.txt"] = text(
    "User-agent: *\nDisallow: /\n\nUser-agent: spiritforge\nDisallow: /a\nAllow: /a/b\nDisallow: /*.pdf$",
  );
  const all = robots();
  expect(await Promise.all(["/", "/a", "/a/c", "/a/b", "/x.pdf", "/x.pdf?y"].map((path) => isAllowed(path, all)))).toEqual([
    true,
    false,
    false,
    true,
    false,
    true,
  ]);
  expect(site.takePaths()).toEqual(["/robots.txt"]);
  site.pages["/robots.txt"] = text("User-agent: *\nDisallow: /");
  await expect(robots().assertAllowed(new URL("/a", site.origin))).rejects.toMatchObject({
    code: "blocked_by_robots",
    message: "The robots.txt of the site does not allow Spiritforge to read this page.",
  });
});

test.each<[string, FakePage, boolean]>([
  ["404", { status: 404 }, true],
  ["403", { status: 403 }, true],
  ["a loop of redirects", { status: 301, headers: { location: "/robots.txt" } }, true],
  ["500", { status: 500 }, false],
  ["503", { status: 503 }, false],
  ["429", { status: 429 }, false],
  ["a broken connection", (_, response) => void response.destroy(), false],
  ["a redirect to a private address", { status: 302, headers: { location: "http://169.254.169.254/" } }, false],
  ["many wildcards", text(`User-agent: *\n${`Disallow: /${"*a".repeat(500)}\n`.repeat(40)}`), false],
  ["an HTML page", "<!doctype html><title>Not found</title>", true],
  ["an empty file", text(""), true],
  ["a byte order mark", text("\ufeffUser-agent: *\nDisallow: /"), false],
])("a robots.txt with %s", async (_, page, expected) => {
  site.pages["/robots.txt"] = page;
  expect(await isAllowed("/a")).toBe(expected);
});

test("five redirects of a robots.txt are followed", async () => {
  for (let n = 0; n < 5; n++)
    site.pages[n === 0 ? "/robots.txt" : `/${n}`] = { status: 302, headers: { location: `/${n + 1}` } };
  site.pages["/5"] = text("User-agent: *\nDisallow: /");
  expect(await isAllowed("/a")).toBe(false);
});

test("rules after the first 512 KiB are not read", async () => {
  site.pages["/robots.txt"] = text(`User-agent: *\n${"# padding line\n".repeat(40_000)}Disallow: /`);
  expect(await isAllowed("/a")).toBe(true);
});

test("a delay is kept up to ten seconds", async () => {
  const delayOf = () => robots().delayOf(new URL("/a", site.origin));
  site.pages["/robots.txt"] = text("User-agent: *\nCrawl-delay: 2.5");
  expect(await delayOf()).toEqual({ seconds: 2.5, asked: 2.5 });
  site.pages["/robots.txt"] = text("User-agent: *\nCrawl-delay: 600");
  expect(await delayOf()).toEqual({ seconds: 10, asked: 600 });
  site.pages["/robots.txt"] = text("User-agent: *\nCrawl-delay: soon");
  expect(await delayOf()).toEqual({ seconds: 0, asked: 0 });
});
