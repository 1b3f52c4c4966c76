import { expect, test } from "vitest";
import { maxAnswerLength } from "../../../src/agent/constants.ts";
import { textParts } from "../../models/support/scripted-model.ts";
import { words } from "../../support/fake-llm.ts";
import {
  toolCall,
  toolCallStream,
  linesIn,
  modelOf,
  streamOf,
  runTestTurn,
  reasoningDelta,
  tool,
  textDelta,
} from "../support/settings.ts";

/** What `joining` makes of pieces that came together. */
const together = (...pieces: string[]) => pieces.join("\0");

const hundred = textDelta(together(...words(100)));

test("deltas that arrive in one chunk are emitted one by one", async () => {
  const { model } = modelOf(
    streamOf([reasoningDelta(together("H", "m.")), textDelta(together("Gr", "ü", "ße, 👋")), textDelta("!")]),
  );
  const { events } = await runTestTurn("Hello?", { model });
  expect(events).toEqual([
    { type: "reasoning", text: "H" },
    { type: "reasoning", text: "m." },
    { type: "text", text: "Gr" },
    { type: "text", text: "ü" },
    { type: "text", text: "ße, 👋" },
    { type: "text", text: "!" },
  ]);
});

test("a character that is split between deltas is emitted whole", async () => {
  const { model } = modelOf(streamOf([textDelta(together("a\ud83d", "\udc4b", "b"))]));
  const { events } = await runTestTurn("Hello?", { model });
  expect(events.map((event) => "text" in event && event.text)).toEqual(["a", "👋", "b"]);
});

test("the model message contains the text without delta separators", async () => {
  const scripted = modelOf(
    toolCallStream(textDelta(together("Let me", " see.")), toolCall("look_up")),
    textParts("It is 5 °C."),
  );
  await runTestTurn("How is Zürich?", { model: scripted.model, tools: [tool()] });
  expect(linesIn(scripted.requests.at(-1)!.prompt).join("\n")).toContain("assistant: Let me see.");
});

test("the emitter waits for readers between the deltas of a chunk", async () => {
  const lengths: number[] = [];
  let pieces = 0;
  const { model } = modelOf(streamOf([hundred]));
  await runTestTurn("Hello?", {
    model,
    onEvent: (event) => void (pieces += "pieces" in event ? event.pieces.length : 0),
    waitForSlowSockets: async () => void lengths.push(pieces),
  });
  expect(lengths).toEqual([16, 32, 48, 64, 80, 96]);
});

test("stopping in the middle of a chunk discards the remaining deltas", async () => {
  const abort = new AbortController();
  const { model } = modelOf(streamOf([hundred]));
  const { events, result } = await runTestTurn("Hello?", {
    model,
    waitForSlowSockets: async () => abort.abort(),
    signal: abort.signal,
  });
  expect(events).toHaveLength(16);
  expect(result).toMatchObject({ outcome: "stopped", calls: [{ record: { outcome: "stopped" } }] });
});

test("a chunk that exceeds the maximum length is truncated, and nothing is emitted after it", async () => {
  const pieces = ["x".repeat(maxAnswerLength - 3), "abcd", " and", " more", "!".repeat(500)];
  const { model } = modelOf(streamOf([textDelta(together(...pieces))]));
  const { text, result } = await runTestTurn("Hello?", { model });
  expect(text).toBe(pieces.join("").slice(0, maxAnswerLength));
  expect(result.outcome).toBe("complete");
});
