import { setTimeout as sleep } from "node:timers/promises";
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { describe, expect, test } from "vitest";
import { gatewayWith, failureOf, hello, apiError, textParts, scriptedModel } from "../support/scripted-model.ts";
import { partsOf, question, textIn } from "../support/models.ts";

describe("timeouts", () => {
  test("a silent model is replaced after its timeout, even if it ignores the abort", async () => {
    for (const turn of ["hangs", "is deaf", hello.slice(0, 2)] as const) {
      const { candidate, seen } = scriptedModel("openai", turn);
      const { model, outcomes } = gatewayWith([candidate, scriptedModel("groq", hello).candidate], { firstTokenMs: 20 });
      expect(textIn(await partsOf(model))).toBe("Hello");
      expect(outcomes()).toEqual(["openai timed_out", "groq answered"]);
      expect(seen.cancelled).toBe(Array.isArray(turn) ? 1 : 0);
    }
  });

  test("the total timeout ends the call before, during and between attempts", async () => {
    const options = { callMs: 40 };
    for (const [turn, how] of [
      ["is deaf", "doGenerate"],
      ["hangs", "doStream"],
      [apiError(429, { "retry-after": "2" }), "doStream"],
    ] as const) {
      const { model, records } = gatewayWith([scriptedModel("openai", turn).candidate], options);
      expect(await failureOf(model[how](question))).toMatchObject({ kind: "timed_out" });
      expect(records).toMatchObject([{ outcome: "failed", error_code: "provider_timed_out" }]);
    }
    const spare = scriptedModel("groq", hello);
    const { model, outcomes } = gatewayWith([scriptedModel("openai", "hangs").candidate, spare.candidate], options);
    expect(await failureOf(model.doStream(question))).toMatchObject({ kind: "timed_out", provider: "openai" });
    expect(outcomes()).toEqual(["openai timed_out"]);
    expect(spare.seen.opened).toBe(0);
    const { model: halting } = gatewayWith([scriptedModel("openai", textParts("Hel").slice(0, 3)).candidate], options);
    expect((await partsOf(halting)).at(-1)).toMatchObject({ type: "error", error: { kind: "timed_out" } });
  });
});

describe("a stalled answer", () => {
  /** A model that begins, and then sends one part every so many milliseconds. */
  function slow(part: LanguageModelV4StreamPart, everyMs: number, times: number) {
    const { candidate } = scriptedModel("openai", hello);
    const parts = [...textParts("Hel").slice(0, 3), ...Array.from({ length: times }, () => part), ...hello.slice(3)];
    const pull = async (controller: ReadableStreamDefaultController<LanguageModelV4StreamPart>) => {
      const next = parts.shift();
      if (next === part) await sleep(everyMs);
      if (next === undefined) controller.close();
      else controller.enqueue(next);
    };
    const open = async () => ({
      ...(await candidate.open()),
      doStream: async () => ({ stream: new ReadableStream<LanguageModelV4StreamPart>({ pull }, { highWaterMark: 0 }) }),
    });
    return { ...candidate, open };
  }
  const word: LanguageModelV4StreamPart = { type: "text-delta", id: "1", delta: "l" };

  test("a stall ends the call, even if the provider sends keep-alive events", async () => {
    const { model, records } = gatewayWith([slow({ type: "ping" }, 20, 50)], { stallTimeoutMs: 60 });
    expect((await partsOf(model)).at(-1)).toMatchObject({ type: "error", error: { kind: "timed_out" } });
    expect(records).toMatchObject([{ outcome: "failed", error_code: "provider_timed_out" }]);
  });

  test("a long answer without a stall is not ended", async () => {
    const { model, records } = gatewayWith([slow(word, 60, 8)], { stallTimeoutMs: 400 });
    expect(textIn(await partsOf(model))).toBe("Helllllllll");
    expect(records).toMatchObject([{ outcome: "complete" }]);
  });

  test("a slow reader does not count as a stall", async () => {
    const { model, records } = gatewayWith([slow(word, 5, 3)], { stallTimeoutMs: 200 });
    const { stream } = await model.doStream(question);
    let text = "";
    for await (const part of stream) {
      if (part.type === "text-delta") text += part.delta;
      if (part.type === "text-start") await sleep(300);
    }
    expect(text).toBe("Hellll");
    expect(records).toMatchObject([{ outcome: "complete" }]);
  });
});

describe("an abort by the caller", () => {
  test("an abort before the first token throws the caller's reason and tries no other model", async () => {
    const abort = new AbortController();
    const spare = scriptedModel("groq", hello);
    const { model, records, outcomes } = gatewayWith([scriptedModel("openai", "hangs").candidate, spare.candidate]);
    const failure = failureOf(model.doStream({ ...question, abortSignal: abort.signal }));
    abort.abort(new Error("stopped by the user"));
    expect(await failure).toEqual(new Error("stopped by the user"));
    expect(spare.seen.calls).toBe(0);
    expect(records).toMatchObject([{ outcome: "stopped", error_code: null }]);
    expect(outcomes()).toEqual(["openai stopped"]);
  });

  test("an abort bills the text so far", async () => {
    const abort = new AbortController();
    const { candidate, seen } = scriptedModel("openai", textParts("Hello there").slice(0, 3));
    const { model, records } = gatewayWith([candidate]);
    const reader = (await model.doStream({ ...question, abortSignal: abort.signal })).stream.getReader();
    for (let part = 0; part < 3; part += 1) await reader.read();
    abort.abort(new Error("stopped by the user"));
    await expect(reader.read()).rejects.toThrow("stopped by the user");
    expect(records).toMatchObject([{ outcome: "stopped", output_tokens: 3, input_tokens: 4, is_estimated: true }]);
    expect(seen.cancelled).toBe(1);
  });

  test("an abort bills the text so far without delta separators", async () => {
    const abort = new AbortController();
    const { candidate } = scriptedModel("openai", textParts("\0\0Hello \0\0there").slice(0, 3));
    const { model, records } = gatewayWith([candidate]);
    const reader = (await model.doStream({ ...question, abortSignal: abort.signal })).stream.getReader();
    for (let part = 0; part < 3; part += 1) await reader.read();
    abort.abort(new Error("stopped by the user"));
    await expect(reader.read()).rejects.toThrow("stopped by the user");
    expect(records).toMatchObject([{ output_tokens: 3, is_estimated: true }]);
  });

  test("canceling the stream bills the text so far", async () => {
    const { candidate, seen } = scriptedModel("openai", textParts("Hello there").slice(0, 3));
    const { model, records } = gatewayWith([candidate]);
    const reader = (await model.doStream(question)).stream.getReader();
    for (let part = 0; part < 3; part += 1) await reader.read();
    await reader.cancel();
    expect(records).toMatchObject([{ outcome: "stopped", error_code: null, output_tokens: 3 }]);
    expect(seen.cancelled).toBe(1);
  });
});
