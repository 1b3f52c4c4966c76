import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decompressSitemap, isSitemap, parseSitemap } from "../../../src/datasets/websites/sitemap.ts";
import { sitemapIndex, xmlSitemap } from "../../support/fake-website.ts";

describe("a sitemap", () => {
  test("in XML has pages, with entities, CDATA, other namespaces and prefixes", async () => {
    const text = `\ufeff<?xml version="1.0"?><?xml-stylesheet href="a.xsl"?><!-- a -->
      <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="i">
      <url><loc> https://example.com/?a=1&amp;b=2 </loc><image:image><image:loc>https://example.com/a.png</image:loc></image:image></url>
      <url><loc><![CDATA[https://example.com/c]]></loc><lastmod>2026-01-01</lastmod></url></urlset>`;
    expect(isSitemap(text)).toBe(true);
    expect(await parseSitemap(text)).toEqual({
      pages: ["https://example.com/?a=1&b=2", "https://example.com/c"],
      sitemaps: [],
    });
    const prefixed = `<sm:urlset xmlns:sm="s"><sm:url><sm:loc>https://example.com/a</sm:loc></sm:url></sm:urlset>`;
    expect([isSitemap(prefixed), await parseSitemap(prefixed)]).toEqual([
      true,
      { pages: ["https://example.com/a"], sitemaps: [] },
    ]);
  });

  test("can be an index of sitemaps", async () => {
    const text = sitemapIndex(["https://example.com/1.xml", "https://example.com/2.xml.gz"]);
    expect([isSitemap(text), await parseSitemap(text)]).toEqual([
      true,
      { pages: [], sitemaps: ["https://example.com/1.xml", "https://example.com/2.xml.gz"] },
    ]);
  });

  test("can be a text with one URL on each line", async () => {
    const text = "https://example.com/a\r\n\r\n  http://example.com/b  \n";
    expect([isSitemap(text), await parseSitemap(text)]).toEqual([
      true,
      { pages: ["https://example.com/a", "http://example.com/b"], sitemaps: [] },
    ]);
  });

  test.each([
    "",
    "<!doctype html><html>",
    "Some text\nhttps://example.com/",
    "<rss><channel>",
    "<html><!-- <urlset> -->",
    "urlset",
  ])("another text is none (%#)", (text) => {
    expect(isSitemap(text)).toBe(false);
  });

  test("entities are not expanded, and a text that declares some is no sitemap", async () => {
    const text = "<urlset><url><loc>https://example.com/&a;</loc></url></urlset>";
    expect((await parseSitemap(text)).pages).toEqual(["https://example.com/&a;"]);
    expect(isSitemap(`<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>${text}`)).toBe(false);
  });

  test("compressed with gzip is read, and a bomb or a damaged one is refused", () => {
    const text = xmlSitemap(["https://example.com/a"]);
    expect(new TextDecoder().decode(decompressSitemap(gzipSync(text)))).toBe(text);
    expect(new TextDecoder().decode(decompressSitemap(new TextEncoder().encode(text)))).toBe(text);
    expect(() => decompressSitemap(gzipSync("x".repeat(30_000_000)))).toThrow("The sitemap is larger than 10485760 bytes.");
    expect(() => decompressSitemap(new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 255, 255, 255]))).toThrow(
      "is damaged",
    );
  });
});
