import { describe, expect, test } from "vitest";
import { frontMatterOf } from "../../../src/knowledge/chunking/front-matter.ts";

describe("front matter", () => {
  test.each([
    ["plain", "title: The Guide # draft", "The Guide"],
    ["quoted", "title: 'It''s a guide'", "It's a guide"],
    ["double quoted", String.raw`title: "A \"guide\": one"`, 'A "guide": one'],
    ["folded", "title: >-\n  A long\n  title\nauthor: x", "A long title"],
    ["continued", "title: A long\n  title\nauthor: x", "A long title"],
    ["after other keys", "layout: post\n# a comment\ntags:\n- a\n- b\nTitle: Last", "Last"],
    ["empty", "title:\nauthor: x", undefined],
    ["missing", "author: x", undefined],
  ])("the title is read: %s", (_, yaml, title) => {
    const text = `---\n${yaml}\n---\nText`;
    expect(frontMatterOf(text)).toEqual({ end: text.length - "\nText".length, title });
  });

  test("TOML, Windows line ends, a byte order mark and dots at the end are read", () => {
    expect(frontMatterOf('+++\ntitle = "A guide"\n[extra]\n+++\n')?.title).toBe("A guide");
    expect(frontMatterOf("---\r\ntitle: A\r\n---\r\ntext")?.title).toBe("A");
    expect(frontMatterOf("\ufeff---\ntitle: A\n...\ntext")?.title).toBe("A");
  });

  test.each([
    "---\n---\ntext",
    "---\nSome words of a text.\n---\n",
    "---\ntitle: a\n",
    "text\n---\ntitle: a\n---",
    `---\n${"a: b\n".repeat(9_000)}---`,
  ])("another text has none (%#)", (text) => {
    expect(frontMatterOf(text)).toBeUndefined();
  });
});
