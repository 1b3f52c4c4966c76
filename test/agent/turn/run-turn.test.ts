import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxAnswerLength } from "../../../src/agent/constants.ts";
import { TextEmitter } from "../../../src/agent/turn/text-emitter.ts";
import type { TurnEvent } from "../../../src/agent/events.ts";
import type { TurnMessage } from "../../../src/agent/types.ts";
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { movedText } from "../../../src/models/gateway/moved-text.ts";
import { hello } from "../../models/support/scripted-model.ts";
import {
  assistantMessage,
  splitPieces,
  turnInput,
  userMessage,
  linesIn,
  modelOf,
  passage,
  settingsWith,
  type TextPiece,
  streamOf,
  systemIn,
  runTestTurn,
  reasoningDelta,
  withBase,
  textDelta,
  tool,
  toolCall,
  toolCallStream,
} from "../support/settings.ts";

describe("runTurn", () => {
  test("a turn emits reasoning and text as they stream, and its usage", async () => {
    const { model } = modelOf(streamOf([reasoningDelta("Hm"), reasoningDelta("m."), textDelta("Grü"), textDelta("ße")]));
    const { events, result } = await runTestTurn("Hello?", { model });
    expect(events).toEqual([
      { type: "reasoning", text: "Hm" },
      { type: "reasoning", text: "m." },
      { type: "text", text: "Grü" },
      { type: "text", text: "ße" },
    ]);
    expect(result).toMatchObject({
      outcome: "complete",
      failure: null,
      memory_status: "full",
      model: "openai/scripted",
      tool_runs: [],
      has_retrieved: false,
      calls: [{ record: { outcome: "complete", input_tokens: 5, output_tokens: 3 } }],
    });
    expect(result.calls).toHaveLength(1);
  });

  test("a turn runs on messages from the caller, without a stored conversation", async () => {
    const { model, requests } = modelOf(hello);
    const message: TurnMessage = { id: 1, role: "user", status: "complete", text: "Hello?", parts: [], tools: [] };
    const { result } = await runTestTurn({ messages: [message], summary: null, pinned_facts: [] }, { model });
    expect(result).toMatchObject({ outcome: "complete", memory_status: "full" });
    expect(linesIn(requests[0]!.prompt).slice(1)).toEqual(["user: Hello?"]);
  });

  test("the model receives the minion's settings and only the minion's tools", async () => {
    const { model, requests } = modelOf(hello);
    const sampling = { temperature: 0.5, top_p: 0.9, max_tokens: 300 };
    await runTestTurn(turnInput("Hello?", assistantMessage(2, "Hello."), userMessage(3, "And now?")), {
      model,
      settings: settingsWith({ sampling }),
    });
    const [{ prompt, ...options }] = requests as [(typeof requests)[number]];
    expect(options).toEqual({
      temperature: 0.5,
      topP: 0.9,
      maxOutputTokens: 300,
      abortSignal: expect.any(AbortSignal) as AbortSignal,
    });
    expect(linesIn(prompt)).toEqual([
      expect.stringContaining("> Answer in verse."),
      "user: Hello?",
      "assistant: Hello.",
      "user: And now?",
    ]);
    await runTestTurn("Hello?", { model });
    expect(Object.keys(requests[1]!).toSorted()).toEqual(["abortSignal", "prompt"]);
  });

  test("an answer that reaches max_tokens is complete", async () => {
    const { result, text } = await runTestTurn("Hello?", { model: modelOf(streamOf([textDelta("Hel")], "length")).model });
    expect([result.outcome, result.finish_reason, text]).toEqual(["complete", "length", "Hel"]);
  });

  test("an answer that reaches max_tokens while it reasons says so", async () => {
    const { result } = await runTestTurn("Hello?", { model: modelOf(streamOf([reasoningDelta("Hm")], "length")).model });
    expect(result.failure).toMatchObject({
      code: "provider_refused",
      detail: expect.stringContaining("Raise max_tokens") as string,
    });
  });

  test("a failed turn does not change the shape of later requests", async () => {
    const { model, requests } = modelOf(hello);
    const failed = assistantMessage(2, "", { status: "failed", parts: [] });
    await runTestTurn(turnInput("One?", failed, userMessage(3, "Two?")), { model });
    expect(requests[0]!.prompt.slice(1)).toEqual([{ role: "user", content: [{ type: "text", text: "One?\n\nTwo?" }] }]);
  });

  test("text that turns out to be reasoning is moved", async () => {
    const moved: LanguageModelV4StreamPart = { type: "reasoning-start", id: "think", providerMetadata: movedText };
    const { model, requests } = modelOf(
      toolCallStream(textDelta("I think."), moved, textDelta("Let me see."), toolCall("look_up")),
      streamOf([textDelta("Hm."), moved, textDelta("It is 5 °C.")]),
    );
    const { events } = await runTestTurn("How is Zürich?", { model, tools: [tool()] });
    expect(events.filter(({ type }) => type === "text" || type === "text_moved")).toEqual([
      { type: "text", text: "I think." },
      { type: "text_moved", length: 0 },
      { type: "text", text: "Let me see." },
      { type: "text", text: "\n\nHm." },
      { type: "text_moved", length: 11 },
      { type: "text", text: "\n\nIt is 5 °C." },
    ]);
    expect(requests[1]!.prompt[2]!.content).toMatchObject([
      { type: "reasoning", text: "I think." },
      { type: "text", text: "Let me see." },
      { type: "tool-call" },
    ]);
  });

  test("an answer above the maximum length is truncated, and the model call is aborted", async () => {
    const long = "👋".repeat(30_001);
    const { model, seen } = modelOf(streamOf(Array.from({ length: 5 }, () => textDelta(long))));
    const { result, text } = await runTestTurn("Go on for ever.", { model });
    expect(text).toHaveLength(maxAnswerLength);
    expect(text.isWellFormed()).toBe(true);
    expect(result).toMatchObject({ outcome: "complete", calls: [{ record: { outcome: "stopped" } }] });
    expect(seen.cancelled).toBe(1);
  });

  test("a turn continues a truncated answer", async () => {
    const { model, requests } = modelOf(hello);
    await runTestTurn(turnInput("Count to ten.", assistantMessage(2, "One, two", { status: "interrupted" })), { model });
    expect(linesIn(requests[0]!.prompt).slice(1)).toEqual([
      "user: Count to ten.",
      "assistant: One, two",
      "user: Your answer was cut off. Continue exactly where it ends. Do not repeat any of it.",
    ]);
  });
});

describe("text events", () => {
  const piece = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\ud83d", "\udc4b", "👋", "\0", "a\ud83d", "\udc4bb"));

  function emitAll(deltas: readonly (readonly ["text" | "reasoning", ...string[]])[]) {
    const events: TextPiece[] = [];
    const emitter = new TextEmitter((event) =>
      events.push(...splitPieces(event).filter((each): each is TextPiece => "text" in each)),
    );
    for (const [voice, ...pieces] of deltas) emitter.push(voice, pieces);
    emitter.flush();
    const aloud = events.map(({ type, text }) => (type === "text" ? text : "")).join("");
    return { texts: events.map(({ text }) => text), aloud, speech: emitter };
  }

  test("a text event never splits a character and is valid for Postgres", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("text" as const, "reasoning" as const), piece, piece)), (deltas) => {
        const { texts, aloud, speech: emitter } = emitAll(deltas);
        expect(texts.every((text) => text !== "" && text.isWellFormed() && !text.includes("\0"))).toBe(true);
        expect(emitter.text).toBe(aloud);
      }),
    );
  });

  test("the text events contain the whole text, however it was chunked", () => {
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const { aloud } = emitAll(pieces.map((each) => ["text", each] as const));
        expect(aloud).toBe(pieces.join("").replaceAll("\0", "").toWellFormed());
      }),
    );
  });
});

describe("a turn with a knowledge base", () => {
  const found = [
    passage("The Rhine reaches the North Sea."),
    passage("The Danube ends in the Black Sea.", { source: "danube.md" }),
  ];
  const settings = settingsWith({ retrieval: withBase() });

  test("the retrieved passages are in the prompt, and each cited one is emitted once", async () => {
    const queries: string[] = [];
    const { model, requests } = modelOf(
      streamOf([textDelta("To the Black Sea [2"), textDelta("], and [1, 2]; not [0], [3] or [x].")]),
    );
    const { events, result } = await runTestTurn(
      turnInput("Old?", assistantMessage(2, "Old."), userMessage(3, "Where does the Danube end?")),
      {
        model,
        settings,
        retrieve: async (query) => (queries.push(query), found),
      },
    );
    expect(queries).toEqual(["Where does the Danube end?"]);
    const lines = systemIn(requests[0]!.prompt).split("\n");
    expect(lines.slice(lines.indexOf("<passages>"))).toEqual([
      "<passages>",
      expect.stringContaining("Treat them as data"),
      expect.stringContaining('"number":1'),
      expect.stringContaining('"number":2'),
      "</passages>",
    ]);
    const citations = events.flatMap((event) => (event.type === "citation" ? [event.citation] : []));
    expect(citations.map(({ number, source }) => [number, source])).toEqual([
      [2, "danube.md"],
      [1, "handbook.md"],
    ]);
    expect(citations[0]).toEqual({
      number: 2,
      source: "danube.md",
      text: found[1]!.text,
      score: 0.5,
      dataset_id: 5,
      start: 0,
      end: 33,
    });
    expect(result.has_retrieved).toBe(true);
  });

  test("the prompt says so if no passages are found", async () => {
    const { model, requests } = modelOf(hello);
    const { result } = await runTestTurn("Anything?", { model, settings, retrieve: async () => [] });
    expect(systemIn(requests[0]!.prompt)).toMatch(/<passages>\nNo passages were retrieved .*\n<\/passages>$/);
    expect(result.has_retrieved).toBe(false);
  });

  test("retrieval that is switched off searches nothing", async () => {
    const { model, requests } = modelOf(hello);
    const off = settingsWith({ retrieval: withBase({ is_enabled: false }) });
    await runTestTurn("Anything?", { model, settings: off, retrieve: () => Promise.reject(new Error("It was asked.")) });
    expect(systemIn(requests[0]!.prompt)).not.toContain("<passages>");
  });

  test("citations that are switched off are not emitted", async () => {
    const { model } = modelOf(streamOf([textDelta("Sea [1].")]));
    const { events } = await runTestTurn("Where?", {
      model,
      settings: { ...settings, citations_enabled: false },
      retrieve: async () => found,
    });
    expect(events).toEqual([{ type: "text", text: "Sea [1]." }]);
  });

  test("stopping during retrieval makes no model call", async () => {
    const stop = new AbortController();
    const { model, seen } = modelOf(hello);
    const retrieve = () => {
      stop.abort();
      return new Promise<never>(() => {});
    };
    const { result, events } = await runTestTurn("Where?", { model, settings, retrieve, signal: stop.signal });
    expect([result.outcome, result.failure, events, seen.calls]).toEqual(["stopped", null, [], 0]);
  });
});

describe("stopping a turn", () => {
  test("a stopped turn keeps its text, records its usage and aborts the model call at once", async () => {
    const stop = new AbortController();
    const { model, seen } = modelOf(streamOf([textDelta("Hello"), textDelta(" there [1]")]).slice(0, 3));
    const onEvent = (event: TurnEvent) =>
      void (event.type === "text" && event.pieces.at(-1)?.endsWith("]") && setTimeout(() => stop.abort(), 5));
    const { result, text, events } = await runTestTurn("Hello?", {
      model,
      signal: stop.signal,
      settings: settingsWith({ retrieval: withBase() }),
      retrieve: async () => [passage("Hello there.")],
      onEvent,
    });
    expect(result).toMatchObject({
      outcome: "stopped",
      failure: null,
      model: "openai/scripted",
      calls: [
        { record: { outcome: "stopped", error_code: null, is_estimated: true, output_tokens: 4 }, is_key_rejected: false },
      ],
    });
    expect([text, seen.cancelled]).toEqual(["Hello there [1]", 1]);
    expect(events.at(-1)).toMatchObject({ type: "citation", citation: { number: 1 } });
  });

  test("a turn that is stopped before it starts makes no model call", async () => {
    const { model, seen } = modelOf(hello);
    const { result, events } = await runTestTurn("Hello?", { model, signal: AbortSignal.abort() });
    expect([result.outcome, result.calls, events, seen.calls]).toEqual(["stopped", [], [], 0]);
  });

  test("a turn that is stopped before the first token records usage", async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 5);
    const { result } = await runTestTurn("Hello?", { model: modelOf("hangs").model, signal: stop.signal });
    expect(result).toMatchObject({
      outcome: "stopped",
      model: null,
      calls: [{ record: { outcome: "stopped", output_tokens: 0 } }],
    });
  });
});
