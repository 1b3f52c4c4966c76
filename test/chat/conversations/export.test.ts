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
  expect(asMarkdown(message)).toMatchInlineSnapshot(`
    "## Minion (builtin/extractive), 2026-11-25T09:03:00.000Z

    It ends in the sea. [1] It is long. [2]

    Sources:
    - [1] rivers.md

    *stopped*

    - Attached: map .png
    - [2] lengths.md

    "
  `);
});
