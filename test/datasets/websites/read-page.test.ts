import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { PageError } from "../../../src/datasets/websites/page-error.ts";
import { createPageClient, readPage, type ReadOptions } from "../../../src/datasets/websites/read-page.ts";
import { startFakeWebsite, type FakeWebsite } from "../../support/fake-website.ts";

let site: FakeWebsite;
let other: FakeWebsite;
let waits: number[];

beforeAll(async () => {
  [site, other] = [await startFakeWebsite(), await startFakeWebsite()];
});
afterAll(async () => {
  await site.close();
  await other.close();
});
beforeEach(() => {
  waits = [];
  site.pages = {};
  site.takePaths();
  other.takePaths();
});

const client = () =>
  createPageClient(
    { EGRESS_ALLOWED_HOSTS: [site.host], PUBLIC_URL: "https://api.spiritforge.dev", DNS_RESOLVER_URL: "" },
    { wait: async (seconds) => void waits.push(seconds) },
  );

const read = (path: string, options?: ReadOptions) => readPage(client(), new URL(path, site.origin), options);

async function problemOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof PageError)) throw new Error("The page was read.", { cause: error });
  const { code, message } = error;
  return { code, message };
}

const redirect = (location: string, status = 302) => ({ status, headers: { location } });

describe("a page", () => {
  test("is read with our name, and its type, charset and validators are kept", async () => {
    site.pages["/a?b=1"] = {
      body: "text",
      headers: {
        "content-type": 'Text/HTML; a=b; Charset="iso-8859-1"',
        etag: '"1"',
        "last-modified": "Mon, 01 Jun 2026 00:00:00 GMT",
      },
    };
    const page = await read("/a?b=1#part");
    expect(page).toMatchObject({
      mediaType: "text/html",
      charset: "iso-8859-1",
      etag: '"1"',
      last_modified: "Mon, 01 Jun 2026 00:00:00 GMT",
    });
    expect(page.url.href).toBe(`${site.origin}/a?b=1`);
    expect(new TextDecoder().decode(page.bytes!)).toBe("text");
    expect(site.requests[0]!.headers["user-agent"]).toBe("Spiritforge/1.0 (+https://api.spiritforge.dev)");
  });

  test("that has not changed since its validators has no bytes", async () => {
    site.pages["/a"] = { body: "text", headers: { etag: '"1"' } };
    expect((await read("/a", { validators: { etag: '"1"', last_modified: null } })).bytes).toBeNull();
    expect((await read("/a", { validators: { etag: '"0"', last_modified: null } })).bytes).not.toBeNull();
    site.pages["/b"] = { status: 304 };
    expect(await problemOf(read("/b"))).toMatchObject({ code: "redirected" });
  });

  test.each([
    [404, "not_found"],
    [410, "not_found"],
    [401, "access_denied"],
    [403, "access_denied"],
    [400, "unreadable"],
  ])("with status %i is a problem: %s", async (status, code) => {
    site.pages["/a"] = { status, body: "secret words of the host" };
    const problem = await problemOf(read("/a"));
    expect(problem.code).toBe(code);
    expect(problem.message).toContain(String(status));
    expect(problem.message).not.toContain("secret");
    expect(site.takePaths()).toEqual(["/a"]);
  });

  test("that is larger than the limit is refused, also without a length", async () => {
    site.pages["/a"] = { body: "x".repeat(3_000_000) };
    site.pages["/b"] = (_, response) => {
      response.writeHead(200);
      for (let n = 0; n < 40; n++) response.write("x".repeat(100_000));
      response.end();
    };
    for (const path of ["/a", "/b"])
      expect(await problemOf(read(path))).toEqual({ code: "too_large", message: "The page is larger than 2097152 bytes." });
    expect((await read("/a", { truncates: true, maxBytes: 10 })).bytes).toHaveLength(10);
  });

  test("is tried again after the time that its host asks for, at most twice", async () => {
    let calls = 0;
    site.pages["/a"] = (_, response) => void response.writeHead(++calls < 3 ? 503 : 200, { "retry-after": "7" }).end("text");
    expect((await read("/a")).bytes).not.toBeNull();
    expect(waits).toEqual([7, 7]);
    site.pages["/b"] = { status: 429, headers: { "retry-after": "3600" } };
    expect(await problemOf(read("/b"))).toMatchObject({ code: "rate_limited" });
    site.pages["/c"] = (_, response) => void response.destroy();
    expect(await problemOf(read("/c"))).toMatchObject({ code: "unreachable" });
    expect(site.takePaths()).toEqual(["/a", "/a", "/a", "/b", "/c", "/c", "/c"]);
  });
});

describe("redirects", () => {
  test("three are followed, each is checked, and a fourth is refused", async () => {
    site.pages = {
      "/1": redirect("/2"),
      "/2": redirect("3", 301),
      "/3": redirect(`${site.origin}/4#x`, 308),
      "/4": "text",
      "/0": redirect("/1"),
    };
    const checked: string[] = [];
    const page = await read("/1", { check: async (url) => void checked.push(url.pathname) });
    expect([page.url.pathname, checked]).toEqual(["/4", ["/1", "/2", "/3", "/4"]]);
    expect(await problemOf(read("/0"))).toEqual({
      code: "redirected",
      message: "The page has more than 3 redirects. Use the final URL.",
    });
  });

  test("a loop, a missing target and an invalid target are refused", async () => {
    site.pages = { "/loop": redirect("/loop"), "/none": { status: 302 }, "/bad": redirect("https://[") };
    for (const path of Object.keys(site.pages)) expect(await problemOf(read(path))).toMatchObject({ code: "redirected" });
  });

  test.each([
    "http://127.0.0.1:1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/",
    "http://example.org/",
    "https://localhost/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://10.0.0.1.nip.io/",
    "https://user:password@example.org/",
    "https://example.org:8080/",
    "https://metadata.google.internal/",
    "https://api.spiritforge.dev/api/v2/me",
    "file:///etc/passwd",
    "data:text/html,hello",
  ])("to %s are refused without a request", async (target) => {
    site.pages["/a"] = redirect(target);
    expect(await problemOf(read("/a"))).toMatchObject({ code: "url_refused", message: expect.stringMatching(/^The URL /) });
    expect(site.takePaths()).toEqual(["/a"]);
  });

  test("to another port of the same machine are refused", async () => {
    site.pages["/a"] = redirect(`${other.origin}/secret`);
    expect(await problemOf(read("/a"))).toMatchObject({ code: "url_refused" });
    expect(other.takePaths()).toEqual([]);
  });

  test("what the check refuses is not requested", async () => {
    site.pages = { "/a": redirect("/private"), "/private": "text" };
    const check = async (url: URL) => {
      if (url.pathname === "/private") throw new PageError("blocked_by_robots", "Not allowed.");
    };
    expect(await problemOf(read("/a", { check }))).toMatchObject({ code: "blocked_by_robots" });
    expect(site.takePaths()).toEqual(["/a"]);
  });
});
