import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { version } from "../../src/http/home.ts";
import { noRoundTrips, useApi } from "../support/api.ts";

const api = useApi();

const browser = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

test("GET / returns a page to a browser, and its CSP allows its own script and style", async () => {
  const reply = await api.get("/", { headers: browser });
  expect(reply.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(reply.headers.get("content-security-policy")).toContain("default-src 'self'");
  expect(reply.headers.get("server-timing")).toBe(noRoundTrips);
  const page = await reply.text();
  expect(page).toContain(`Version ${version}.`);
  const addresses = Array.from(page.matchAll(/(?:href|src)="([^"]+)"/g), ([, address]) => address!);
  expect(addresses).toContain("/reference/home.js");
  for (const address of addresses) expect((await api.get(address)).status, address).toBe(200);
});

test.each([["*/*"], ["application/json"], [undefined]])("GET / returns JSON to a client that accepts %s", async (accept) => {
  const reply = await api.get("/", accept === undefined ? {} : { headers: { accept } });
  expect(reply.headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
  expect(reply.headers.get("server-timing")).toBe(noRoundTrips);
  const { links, ...rest } = (await reply.json()) as { links: Record<string, string> };
  expect(rest).toEqual({ success: true, name: "Spiritforge", version });
  for (const link of Object.values(links)) expect((await api.get(link)).status, link).toBe(200);
});

test("the version is the one in package.json", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  expect(version).toBe(manifest.version);
});

test("robots.txt excludes the API from crawlers, and every page has an icon", async () => {
  expect(await (await api.get("/robots.txt")).text()).toContain("Disallow: /api/");
  expect((await api.get("/favicon.svg")).headers.get("content-type")).toBe("image/svg+xml");
  for (const page of ["/", "/docs", "/problems", "/reset-password"]) {
    expect(await (await api.get(page, { headers: browser })).text(), page).toContain('rel="icon"');
  }
});
