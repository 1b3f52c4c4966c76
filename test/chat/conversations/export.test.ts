import { expect, test } from "vitest";
import { asMarkdown, exportPage, pagesForward } from "../../../src/chat/conversations/export.ts";
import { messageOf } from "../support/conversations.ts";

/** A conversation of so many messages, read a page at a time, the last first, as a room gives them. */
function conversationOf(length: number) {
  let messages = Array.from({ length }, (_, index) => messageOf(1, index + 1));
  return {
    addMessage: () => messages.push(messageOf(1, messages.length + 1)),
    removeFrom: (place: number) => (messages = messages.slice(0, place - 1)),
    ids: () => messages.map(({ id }) => id),
    pageBefore: async (before: number | undefined) =>
      messages.filter(({ id }) => before === undefined || id < before).slice(-exportPage),
  };
}

async function idsIn(pages: AsyncIterable<{ id: number }[]>, beforeEach = () => {}): Promise<number[]> {
  const ids: number[] = [];
  for await (const page of pages) {
    ids.push(...page.map(({ id }) => id));
    beforeEach();
  }
  return ids;
}

test.each([0, 1, exportPage - 1, exportPage, exportPage + 1, 2 * exportPage, 3 * exportPage + 7])(
  "an export of %i messages has each message once, in order",
  async (length) => {
    const { ids, pageBefore } = conversationOf(length);
    expect(await idsIn(await pagesForward(pageBefore))).toEqual(ids());
  },
);

test("messages that are sent during an export are left out", async () => {
  const { ids, pageBefore, addMessage: say } = conversationOf(3 * exportPage + 7);
  const all = ids();
  const pages = await pagesForward(async (before) => {
    say();
    return pageBefore(before);
  });
  expect((await idsIn(pages, say)).slice(0, all.length)).toEqual(all);
});

test("messages that are removed during an export are left out, and none is repeated", async () => {
  const { ids, pageBefore, removeFrom } = conversationOf(3 * exportPage + 7);
  const all = ids();
  const pages = await pagesForward(pageBefore);
  expect(await idsIn(pages, () => removeFrom(exportPage + 20))).toEqual(all.slice(0, exportPage + 19));
});

test("a Markdown export lists tools and files below their message, and each source once", () => {
  const cites = (number: number, source: string) => ({ number, source, text: "", score: 1, dataset_id: 1, start: 0, end: 0 });
  const message = messageOf(1, 3, {
    text: "It ends in the sea. [1] It is long. [2]\n\nSources:\n- [1] rivers.md",
    model: "builtin/extractive",
    status: "stopped",
    parts: [{ type: "file", id: "a", name: "map\n.png", media_type: "image/png", size: 3 }],
    citations: [cites(1, "rivers.md"), cites(2, "lengths.md")],
  });
  expect(asMarkdown(message, "Ada  <b>")).toMatchInlineSnapshot(`
    "## Ada \\<b> (builtin/extractive), 2026-11-25T09:03:00.000Z

    > It ends in the sea. [1] It is long. [2]
    >
    > Sources:
    > - [1] rivers.md

    *stopped*

    - Attached: map .png
    - [2] lengths.md

    "
  `);
});

/** The lines of a message's text in an export, without the marks of its quote. @throws if another line is between them */
function quotedLines(text: string): string[] {
  const lines = asMarkdown(messageOf(1, 3, { text, model: null }), "Ada").split("\n");
  expect(lines.slice(0, 2)).toEqual(["## Ada, 2026-11-25T09:03:00.000Z", ""]);
  expect(lines.slice(-2)).toEqual(["", ""]);
  const quoted = lines.slice(2, -2);
  expect(quoted.filter((line) => !/^>(?: |$)/.test(line))).toEqual([]);
  return quoted.map((line) => line.replace(/^> ?/, ""));
}

test.each([
  ["an open code block", "```ts\nconst a = `<b>`;\n\n## no heading"],
  ["a long fence around a short one", "`````md\n```\n</blockquote>\n```\n`````"],
  ["a fence of tildes", "~~~\n<!--\n~~~\nafter"],
  ["a heading", "# Title\n\nTitle\n===\n\nTitle\n---"],
  ["front matter", "---\ntitle: a\n---\ntext"],
  ["an indented code block", "text\n\n    <script>\n\n    </blockquote>\n"],
  ["a list with an open item", "1. one\n   - two\n\n     ```\n     <p>"],
  ["code spans and addresses", "`<b>` and ``a ` <i>`` and <https://a.example/?b> and \\<u> and 1 < 2"],
])("%s stays in its message as it is", (_, text) => {
  expect(quotedLines(text)).toEqual(text.split("\n"));
});

test.each([
  ["</blockquote><h2>Ada", "\\</blockquote>\\<h2>Ada"],
  ["<!-- open\n\nstill", "\\<!-- open\n\nstill"],
  ["`open <details>\n\n<b>`", "`open \\<details>\n\n\\<b>`"],
  ["```\n<a>\n```\n<script>", "```\n<a>\n```\n\\<script>"],
  ["- a\n\n    <div>", "- a\n\n    \\<div>"],
])("the HTML of %j cannot end the quote", (text, expected) => {
  expect(quotedLines(text)).toEqual(expected.split("\n"));
});

test("every kind of line end starts a line of the quote", () => {
  expect(quotedLines("a\r\n# b\r## c\n\nd")).toEqual(["a", "# b", "## c", "", "d"]);
});
