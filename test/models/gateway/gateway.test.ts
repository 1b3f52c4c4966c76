import { type EmbeddingModelV4, type LanguageModelV4StreamPart, UnsupportedFunctionalityError } from "@ai-sdk/provider";
import { embedMany, generateText, streamText } from "ai";
import { describe, expect, test } from "vitest";
import type { Candidate } from "../../../src/models/gateway/call.ts";
import { gatewayEmbeddingModel } from "../../../src/models/gateway/gateway.ts";
import { languageCandidate, openProvider } from "../../../src/models/providers/registry.ts";
import type { UsageRecord } from "../../../src/models/gateway/usage-record.ts";
import {
  gatewayWith,
  failureOf,
  finish,
  hello,
  apiError,
  textParts,
  scriptedModel,
  type ScriptedTurn,
} from "../support/scripted-model.ts";
import { collect, partsOf, question, textIn } from "../support/models.ts";

globalThis.AI_SDK_LOG_WARNINGS = false;

describe("a successful call", () => {
  test("every part is passed on unchanged, and one record is written before the last", async () => {
    const { candidate } = scriptedModel("openai", hello);
    const spare = scriptedModel("groq", hello);
    const { model, records } = gatewayWith([candidate, spare.candidate]);
    const parts: LanguageModelV4StreamPart[] = [];
    for await (const part of (await model.doStream(question)).stream) {
      parts.push(part);
      expect(records).toHaveLength(part.type === "finish" ? 1 : 0);
    }
    expect(parts).toEqual(textParts("Hello"));
    expect(spare.seen.opened).toBe(0);
    expect(records).toEqual([
      {
        provider: "openai",
        model_id: "scripted",
        outcome: "complete",
        error_code: null,
        input_tokens: 5,
        output_tokens: 3,
        cache_read_tokens: 0,
        cache_write_tokens: 0,
        is_estimated: false,
        latency_ms: expect.any(Number) as number,
        first_token_ms: expect.any(Number) as number,
        attempts: [
          {
            provider: "openai",
            model_id: "scripted",
            outcome: "answered",
            status: null,
            latency_ms: expect.any(Number) as number,
          },
        ],
      },
    ]);
  });

  test("a call without streaming has no time to first token", async () => {
    const { model, records } = gatewayWith([scriptedModel("openai", hello).candidate]);
    await expect(model.doGenerate(question)).resolves.toMatchObject({ content: [{ text: "Hello" }] });
    expect(records).toMatchObject([{ outcome: "complete", first_token_ms: null, output_tokens: 3 }]);
  });
});

describe("a rate limit", () => {
  const soon = apiError(429, { "retry-after-ms": "30" });

  test("a short rate limit is waited out once for the time in Retry-After", async () => {
    const { candidate, seen } = scriptedModel("openai", soon, hello);
    const { model, outcomes, records } = gatewayWith([candidate, scriptedModel("groq", hello).candidate]);
    expect(textIn(await partsOf(model))).toBe("Hello");
    expect(seen.calls).toBe(2);
    expect(outcomes()).toEqual(["openai rate_limited", "openai answered"]);
    expect(records[0]!.latency_ms).toBeGreaterThanOrEqual(25);
  });

  test("the next model is used if the wait failed, or would be long or unknown", async () => {
    for (const [first, calls] of [
      [soon, 2],
      [apiError(429, { "retry-after": "30" }), 1],
      [apiError(429, { "retry-after": new Date(Date.now() + 60_000).toUTCString() }), 1],
      [apiError(429), 1],
    ] as const) {
      const { candidate, seen } = scriptedModel("openai", first);
      const { model } = gatewayWith([candidate, scriptedModel("groq", hello).candidate]);
      expect(textIn(await partsOf(model))).toBe("Hello");
      expect(seen.calls).toBe(calls);
    }
  });

  test("a rate limit without a fallback is thrown with its Retry-After", async () => {
    const { model } = gatewayWith([scriptedModel("openai", apiError(429, { "retry-after": "30" })).candidate]);
    await expect(model.doStream(question)).rejects.toMatchObject({
      kind: "rate_limited",
      code: "provider_rate_limited",
      status: 429,
      retryAfterSeconds: 30,
      message: "OpenAI rate limited us. Try again in a moment.",
    });
  });
});

describe("an unavailable provider", () => {
  test("an unavailable provider is replaced by the next one, and retried once if there is none", async () => {
    const first = scriptedModel("openai", apiError(503));
    const second = scriptedModel("groq", apiError(529), hello);
    const { model, outcomes } = gatewayWith([first.candidate, second.candidate]);
    expect(textIn(await partsOf(model))).toBe("Hello");
    expect(outcomes()).toEqual(["openai unavailable", "groq unavailable", "groq answered"]);
    const { model: hopeless } = gatewayWith([first.candidate, scriptedModel("groq", apiError(500)).candidate]);
    await expect(hopeless.doGenerate(question)).rejects.toMatchObject({ kind: "unavailable", provider: "groq", status: 500 });
  });

  test.each([
    ["a connection fault", new TypeError("fetch failed"), "unavailable"],
    ["an overload in the stream", [{ type: "error", error: { type: "overloaded_error", message: "…" } }], "unavailable"],
    ["a limit in the stream", [{ type: "error", error: { code: 429, message: "…" } }], "rate_limited"],
    ["an empty account", apiError(429, {}, '{"code":"insufficient_quota"}'), "no_credit"],
    [
      "a stream that ends before it begins",
      [
        { type: "stream-start", warnings: [] },
        { ...finish, finishReason: { unified: "other", raw: undefined } },
      ],
      "unavailable",
    ],
  ] as [string, ScriptedTurn, string][])("%s counts as unavailable", async (_, turn, kind) => {
    const { model, outcomes } = gatewayWith([scriptedModel("openai", turn).candidate, scriptedModel("groq", hello).candidate]);
    expect(textIn(await partsOf(model))).toBe("Hello");
    expect(outcomes()).toEqual([`openai ${kind}`, "groq answered"]);
  });

  test("a provider that already streamed text is not replaced", async () => {
    const broken = textParts("Hel").slice(0, 3);
    const spare = scriptedModel("groq", hello);
    const { model, records } = gatewayWith([
      scriptedModel("openai", [...broken, { type: "error", error: new Error("gone") }]).candidate,
      spare.candidate,
    ]);
    const parts = await partsOf(model);
    expect(parts.map(({ type }) => type)).toEqual(["stream-start", "text-start", "text-delta", "error"]);
    expect(spare.seen.opened).toBe(0);
    expect(records).toMatchObject([{ outcome: "failed", error_code: "provider_unavailable", is_estimated: true }]);
  });
});

describe("an error of the request or its key", () => {
  test.each([
    ["a refusal", apiError(400), "refused"],
    ["a wrong key", apiError(401), "key_rejected"],
    ["a wrong key in the format of Google", apiError(400, {}, "… API_KEY_INVALID …"), "key_rejected"],
    ["a request that the SDK refuses", new UnsupportedFunctionalityError({ functionality: "files" }), "refused"],
  ])("%s ends the call", async (_, fault, kind) => {
    const bad: string[] = [];
    const spare = scriptedModel("groq", hello);
    const { candidate, seen } = scriptedModel("openai", fault);
    const { model } = gatewayWith([candidate, spare.candidate], { onBadKey: ({ provider }) => bad.push(provider.name) });
    expect(await failureOf(model.doStream(question))).toMatchObject({ kind, provider: "openai" });
    expect([seen.calls, spare.seen.calls]).toEqual([1, 0]);
    expect(bad).toEqual(kind === "key_rejected" ? ["openai"] : []);
  });

  test("our own error is thrown with its own message", async () => {
    const { model } = gatewayWith([languageCandidate("builtin/gpt")]);
    const failure = await failureOf(model.doStream(question));
    expect(failure).toMatchObject({ kind: "refused", message: expect.stringContaining("builtin/gpt") as string });
  });
});

describe("the functions of the AI SDK", () => {
  test("the AI SDK accepts the gateway as a model and does not retry by itself", async () => {
    const { candidate, seen } = scriptedModel("openai", apiError(503));
    const { model, records } = gatewayWith([candidate]);
    expect(await failureOf(generateText({ model, prompt: "Hello" }))).toMatchObject({
      name: "ProviderError",
      kind: "unavailable",
    });
    const errors: unknown[] = [];
    const { fullStream } = streamText({ model, prompt: "Hello", onError: ({ error }) => void errors.push(error) });
    await collect(fullStream);
    expect(errors).toMatchObject([{ name: "ProviderError", kind: "unavailable" }]);
    expect(seen.calls).toBe(4);
    expect(records).toHaveLength(2);
  });

  test("the AI SDK streams through the gateway", async () => {
    const { model } = gatewayWith([scriptedModel("openai", apiError(500)).candidate, scriptedModel("groq", hello).candidate]);
    const { text, usage: used } = streamText({ model, prompt: "Hello" });
    expect(await text).toBe("Hello");
    expect(await used).toMatchObject({ inputTokens: 5, outputTokens: 3 });
  });
});

describe("embedding through the gateway", () => {
  function embedder(doEmbed: EmbeddingModelV4["doEmbed"]): Candidate<EmbeddingModelV4> {
    const model = {
      specificationVersion: "v4",
      provider: "mistral",
      modelId: "vectors",
      maxEmbeddingsPerCall: 2,
      supportsParallelCalls: false,
      doEmbed,
    } as const;
    return { provider: openProvider("mistral"), modelId: "vectors", open: async () => model };
  }

  test("texts are sent in as many calls as the model needs, each with its record", async () => {
    const records: UsageRecord[] = [];
    const candidate = embedder(async ({ values }) => ({
      embeddings: values.map((value) => [value.length]),
      ...(values.length === 2 ? { usage: { tokens: 7 } } : {}),
      warnings: [],
    }));
    const model = gatewayEmbeddingModel(candidate, { onUsage: (record) => records.push(record) });
    expect((await embedMany({ model, values: ["a", "bb", "cccccccc"] })).embeddings).toEqual([[1], [2], [8]]);
    expect(records).toMatchObject([
      { provider: "mistral", model_id: "vectors", outcome: "complete", input_tokens: 7, output_tokens: 0, is_estimated: false },
      { input_tokens: 2, is_estimated: true, first_token_ms: null },
    ]);
  });

  test("embedding calls fail like other calls", async () => {
    const bad: string[] = [];
    const model = gatewayEmbeddingModel(
      embedder(() => Promise.reject(apiError(403))),
      { onBadKey: ({ modelId }) => bad.push(modelId) },
    );
    await expect(embedMany({ model, values: ["a"] })).rejects.toMatchObject({ kind: "key_rejected", provider: "mistral" });
    expect(bad).toEqual(["vectors"]);
  });
});
