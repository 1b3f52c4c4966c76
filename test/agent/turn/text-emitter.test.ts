import { expect, test } from "vitest";
import { maxAnswerLength } from "../../../src/agent/constants.ts";
import { said } from "../../models/support/scripted-model.ts";
import { words } from "../../support/fake-llm.ts";
import { calling, calls, linesIn, modelOf, streaming, take, thought, tool, word } from "../support/settings.ts";

/** What `joining` makes of pieces that came together. */
const together = (...pieces: string[]) => pieces.join("\0");

const hundred = word(together(...words(100)));

test("pieces that came together are told one by one, as their vendor cut them", async () => {
  const { model } = modelOf(streaming([thought(together("H", "m.")), word(together("Gr", "ü", "ße, 👋")), word("!")]));
  const { events } = await take("Hello?", { model });
  expect(events).toEqual([
    { type: "reasoning", text: "H" },
    { type: "reasoning", text: "m." },
    { type: "text", text: "Gr" },
    { type: "text", text: "ü" },
    { type: "text", text: "ße, 👋" },
    { type: "text", text: "!" },
  ]);
});

test("a character that they cut is told whole", async () => {
  const { model } = modelOf(streaming([word(together("a\ud83d", "\udc4b", "b"))]));
  const { events } = await take("Hello?", { model });
  expect(events.map((event) => "text" in event && event.text)).toEqual(["a", "👋", "b"]);
});

test("the model is handed what it said without their seams", async () => {
  const scripted = modelOf(calls(word(together("Let me", " see.")), calling("look_up")), said("It is 5 °C."));
  await take("How is Zürich?", { model: scripted.model, tools: [tool()] });
  expect(linesIn(scripted.requests.at(-1)!.prompt).join("\n")).toContain("assistant: Let me see.");
});

test("who listens is waited for within them, not after all", async () => {
  const told: number[] = [];
  let pieces = 0;
  const { model } = modelOf(streaming([hundred]));
  await take("Hello?", {
    model,
    onEvent: (event) => void (pieces += "pieces" in event ? event.pieces.length : 0),
    waitForSlowSockets: async () => void told.push(pieces),
  });
  expect(told).toEqual([16, 32, 48, 64, 80, 96]);
});

test("who stops meanwhile is told no more of them", async () => {
  const abort = new AbortController();
  const { model } = modelOf(streaming([hundred]));
  const { events, result } = await take("Hello?", {
    model,
    waitForSlowSockets: async () => abort.abort(),
    signal: abort.signal,
  });
  expect(events).toHaveLength(16);
  expect(result).toMatchObject({ outcome: "stopped", calls: [{ record: { outcome: "stopped" } }] });
});

test("an answer that is full in the midst of them is what fits, and nothing after", async () => {
  const pieces = ["x".repeat(maxAnswerLength - 3), "abcd", " and", " more", "!".repeat(500)];
  const { model } = modelOf(streaming([word(together(...pieces))]));
  const { text, result } = await take("Hello?", { model });
  expect(text).toBe(pieces.join("").slice(0, maxAnswerLength));
  expect(result.outcome).toBe("complete");
});
