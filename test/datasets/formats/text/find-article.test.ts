import { describe, expect, test } from "vitest";
import { read } from "../../support/datasets.ts";

const sentence = (name: string) => `The ${name} is a fish of the rivers, and many books describe it. `;
const story = `<h1>Fish</h1><p>${sentence("bream").repeat(3)}</p><p>${sentence("tench").repeat(3)}</p>`;

const textOf = async (body: string) =>
  (await read(`<!doctype html><html><body>${body}</body></html>`, "html")).rows.map(({ text }) => text).join("");

describe("a web page", () => {
  test.each([
    [
      "a header, a navigation and a footer",
      `<header><a href="/">Home</a></header><nav>Menu of links</nav><main>${story}</main><footer>Imprint of us</footer>`,
    ],
    [
      "a sidebar and a share bar",
      `<div class="page"><div id="content">${story}</div><div class="sidebar">${sentence("carp")}</div></div>`,
    ],
    ["a cookie banner", `<div id="cookieBanner"><p>${sentence("cookie")}</p></div><article>${story}</article>`],
    [
      "an aside and comments inside",
      `<article>${story}<aside>Imprint of us</aside><div class="comments">${sentence("carp")}</div></article>`,
    ],
    ["roles", `<div role="banner">Menu of links</div><div>${story}</div><div role="contentinfo">Imprint of us</div>`],
    [
      "a list of other stories below an element that is named as an article",
      `<div class="page"><div class="article-body">${story}</div><div>${sentence("carp")}</div><div>${sentence("pike")}</div></div>`,
    ],
    [
      "a wrapper that is named as a part beside the article",
      `<div class="social-page"><div class="menu">Menu of links</div><div class="text">${story}</div></div>`,
    ],
    ["hidden parts", `<div>${story}<p hidden>${sentence("carp")}</p><p style="display: none">${sentence("pike")}</p></div>`],
  ])("a page with %s has only its article", async (_, body) => {
    const text = await textOf(body);
    expect(text).toMatch(/^# Fish\n\nThe bream is/);
    expect(text).toContain("The tench is");
    expect(text).not.toMatch(/Home|Menu|Imprint|carp|pike|cookie/);
  });

  test("a page without a clear article has all of its text", async () => {
    expect(await textOf("<div>One line</div><div class='sidebar'>Two</div><footer>Three</footer>")).toBe(
      "One line\nTwo\nThree\n",
    );
    const even = `<section><p>${sentence("bream").repeat(4)}</p></section><section><p>${sentence("tench").repeat(4)}</p></section>`;
    expect(await textOf(even)).toMatch(/bream[^]*tench/);
  });

  test("a page with headings whose IDs sound like the parts of a page has them", async () => {
    const text = await textOf(`<main>${story}<div id="sharing-the-catch-with-others"><p>${sentence("roach")}</p></div></main>`);
    expect(text).toContain("The roach is");
  });
});
