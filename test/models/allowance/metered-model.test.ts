import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { describe, expect, test } from "vitest";
import type { QuotaAmounts } from "../../../src/models/allowance/rules.ts";
import { gatewayModel } from "../../../src/models/gateway/gateway.ts";
import type { CallOptions } from "../../../src/models/gateway/call.ts";
import { ProviderError } from "../../../src/models/gateway/errors.ts";
import { meteredModel } from "../../../src/models/allowance/metered-model.ts";
import { workersAi } from "../../../src/models/providers/vendors/workers-ai.ts";
import { failureOf, finish, hello, apiError, textParts, scriptedModel, type ScriptedTurn } from "../support/scripted-model.ts";
import { collect, question } from "../support/models.ts";

/** What the question comes to, by its length. */
const promptTokens = 4;
/** What a call takes that does not say how long its answer may be. */
const most = { turns: 1, tokens: promptTokens + 1_024 };
const nothing = { turns: 0, tokens: 0 };
/** What the scripted models count. */
const counted = { turns: 1, tokens: 8 };

/** A model behind the gateway that does one thing, and what its allowance was told. */
function metered(turn: ScriptedTurn, options: CallOptions = {}, others: ScriptedTurn[] = []) {
  const taken: QuotaAmounts[] = [];
  const settled: QuotaAmounts[] = [];
  const { candidate, seen } = scriptedModel("mistral", turn, ...others);
  const allowance = {
    async reserve(amount: QuotaAmounts) {
      taken.push(amount);
      return { settle: (spent: QuotaAmounts) => void settled.push(spent) };
    },
  };
  const open = async () => meteredModel(await candidate.open(), allowance);
  return { model: gatewayModel([{ ...candidate, open }], { pauseMs: 1, ...options }), taken, settled, seen };
}

const textPart = (delta: string): LanguageModelV4StreamPart => ({ type: "text-delta", id: "1", delta });
const cutShort: LanguageModelV4StreamPart = { ...finish, finishReason: { unified: "error", raw: undefined } } as never;
const errorPart: LanguageModelV4StreamPart = { type: "error", error: { code: "rate_limit_exceeded" } };

describe("a successful call", () => {
  test("a call reserves a turn and the maximum tokens, and settles the actual usage", async () => {
    const { model, taken, settled } = metered(hello);
    await model.doGenerate(question);
    expect(taken).toEqual([most]);
    expect(settled).toEqual([counted]);
    await model.doGenerate({ ...question, maxOutputTokens: 16 });
    expect(taken[1]).toEqual({ turns: 1, tokens: promptTokens + 16 });
  });

  test("a streaming call settles once, at its end", async () => {
    const { model, settled } = metered(hello);
    const { stream } = await model.doStream(question);
    expect(settled).toEqual([]);
    await collect(stream);
    expect(settled).toEqual([counted]);
  });
});

describe("a call that fails before its first token", () => {
  test.each<[string, ScriptedTurn]>([
    ["is refused", apiError(400)],
    ["streams an error", [errorPart]],
    ["is truncated", [cutShort]],
    ["times out", "hangs"],
    ["times out and ignores the abort", "is deaf"],
  ])("the turn is returned if the call %s", async (_, turn) => {
    const { model, taken, settled, seen } = metered(turn, { firstTokenMs: 20, callMs: 200 });
    await failureOf(model.doStream(question));
    expect(taken).toHaveLength(seen.calls);
    expect(settled).toEqual(taken.map(() => nothing));
  });

  test("the turn is returned if a call without streaming fails", async () => {
    const { model, settled } = metered(apiError(400));
    await failureOf(model.doGenerate(question));
    expect(settled).toEqual([nothing]);
  });

  test("a retry reserves another turn", async () => {
    const { model, taken, settled } = metered(apiError(503), {}, [hello]);
    await model.doGenerate(question);
    expect(taken).toEqual([most, most]);
    expect(settled).toEqual([nothing, counted]);
  });
});

describe("a call that ends after its first token", () => {
  const begun = (...parts: LanguageModelV4StreamPart[]) => [...textParts("").slice(0, 2), textPart("Eight by"), ...parts];
  const partly = { turns: 1, tokens: promptTokens + 2 };

  test("a failure settles the tokens that were generated", async () => {
    const { model, settled } = metered(begun(errorPart));
    await collect((await model.doStream(question)).stream);
    expect(settled).toEqual([partly]);
  });

  test("a timeout settles the tokens that were generated", async () => {
    const { model, settled } = metered(begun(), { callMs: 50 });
    await collect((await model.doStream(question)).stream);
    expect(settled).toEqual([partly]);
  });

  test("an abort by the caller settles the tokens that were generated", async () => {
    const { model, settled } = metered(begun());
    const reader = (await model.doStream(question)).stream.getReader();
    for (let parts = 0; parts < 3; parts += 1) await reader.read();
    await reader.cancel("enough");
    expect(settled).toEqual([partly]);
  });
});

test.each(["doGenerate", "doStream"] as const)(
  "an abort before the first token of %s settles the prompt tokens",
  async (how) => {
    const { model, settled } = metered("is deaf");
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 20);
    await failureOf(model[how]({ ...question, abortSignal: stop.signal }));
    expect(settled).toEqual([{ turns: 1, tokens: promptTokens }]);
  },
);

test("a used-up allowance makes no call, and the next model is used", async () => {
  const exhausted = new ProviderError("allowance_exhausted", workersAi, { retryAfterSeconds: 3_600 });
  const first = scriptedModel("mistral", hello);
  const second = scriptedModel("groq", hello);
  const allowance = { reserve: () => Promise.reject(exhausted) };
  const open = async () => meteredModel(await first.candidate.open(), allowance);
  const own = { ...first.candidate, open };
  await gatewayModel([own, second.candidate]).doGenerate(question);
  expect([first.seen.calls, second.seen.calls]).toEqual([0, 1]);
  expect(await failureOf(gatewayModel([own]).doGenerate(question))).toBe(exhausted);
});
