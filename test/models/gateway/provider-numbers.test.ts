import { afterEach, describe, expect, test } from "vitest";
import { gatewayEmbeddingModel, gatewayModel } from "../../../src/models/gateway/gateway.ts";
import { ProviderError } from "../../../src/models/gateway/errors.ts";
import { embeddingFault, maxCount, normalizeUsage, toCount } from "../../../src/models/gateway/provider-numbers.ts";
import { noTokens, tokenCounts, type uncounted, type UsageRecord } from "../../../src/models/gateway/usage-record.ts";
import { embeddingCandidate, languageCandidate, openProvider } from "../../../src/models/providers/registry.ts";
import { providerKey } from "../../support/canary.ts";
import { scriptedText, type Json, type Reply } from "../../support/vendors/script.ts";
import { startVendor, type FakeVendor } from "../../support/vendors/server.ts";
import { fakedVendor, httpProviders, type HttpProvider } from "../../support/vendors/vendors.ts";
import { partsOf, question, textIn } from "../support/models.ts";

const apiKey = providerKey("of-the-numbers");

describe("a count", () => {
  test.each([
    [0, 0],
    [21, 21],
    ["21", 21],
    [" 7 ", 7],
    [maxCount, maxCount],
    [11.5, undefined],
    [-3, undefined],
    [9e15, undefined],
    [maxCount + 1, undefined],
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    ["1e3", undefined],
    ["-1", undefined],
    ["99999999999", undefined],
    ["", undefined],
    [null, undefined],
    [true, undefined],
    [{}, undefined],
  ])("the usage of %j is %j", (value, count) => expect(toCount(value)).toBe(count));
});

/** A usage as an SDK could give it. */
const usageOf = (input: unknown, output: unknown, cached: unknown, reasoning: unknown = 0) =>
  ({
    inputTokens: { total: input, noCache: Number.NaN, cacheRead: cached, cacheWrite: 0 },
    outputTokens: { total: output, text: -1, reasoning },
  }) as typeof uncounted;

const estimate = () => usageOf(4, 2, 0);
const countsOf = (usage: typeof uncounted | undefined) => {
  const { input_tokens, output_tokens, cache_read_tokens, is_estimated } = tokenCounts(usage, estimate);
  return [input_tokens, output_tokens, cache_read_tokens, is_estimated];
};

describe("the usage of a call", () => {
  test("valid counts are kept", () => {
    expect(normalizeUsage(usageOf(10, 5, 4, 3))).toEqual({
      inputTokens: { total: 10, noCache: 6, cacheRead: 4, cacheWrite: 0 },
      outputTokens: { total: 5, text: 2, reasoning: 3 },
    });
    expect(countsOf(usageOf("10", 5, "4"))).toEqual([10, 5, 4, false]);
  });

  test("invalid counts are estimated and marked", () => {
    for (const impossible of [11.5, -3, 9e15, Number.NaN, null, "many", {}]) {
      expect(countsOf(usageOf(impossible, 5, 0))).toEqual([4, 5, 0, true]);
      expect(countsOf(usageOf(10, impossible, 0))).toEqual([10, 2, 0, true]);
      expect(countsOf(usageOf(10, 5, impossible))).toEqual([10, 5, 0, true]);
    }
    expect(countsOf(undefined)).toEqual([4, 2, 0, true]);
  });

  test("cached tokens are at most the prompt, and reasoning tokens at most the answer", () => {
    expect(countsOf(usageOf(10, 5, 30))).toEqual([10, 5, 0, true]);
    expect(normalizeUsage(usageOf(10, 5, 30, 6))).toMatchObject({
      inputTokens: { noCache: 10, cacheRead: undefined },
      outputTokens: { text: 5, reasoning: undefined },
    });
  });
});

let vendor: FakeVendor | undefined;
afterEach(() => vendor?.close());

/** Replaces the numbers of a reply whose names speak of tokens, counts or embeddings. */
function changed(value: unknown, to: unknown, name = ""): unknown {
  if (typeof value === "number" && /token|count/i.test(name)) return to;
  if (Array.isArray(value)) return value.map((each) => changed(each, to));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, changed(each, to, key)]));
}

/** A vendor whose replies are changed. */
async function vendorWith(name: HttpProvider, change: (reply: Reply) => unknown) {
  const { protocol, suffix = "" } = fakedVendor(name);
  const reply = (path: string, body: Json, text: readonly string[]) => {
    const whole = protocol.reply(path, body, text);
    return whole && (change(whole) as Reply);
  };
  vendor = await startVendor({ ...protocol, reply, key: () => apiKey }, apiKey);
  return { apiKey, baseUrl: `${vendor.baseUrl}${suffix}` };
}

describe.each(httpProviders)("%s, whose numbers cannot be,", (name) => {
  const { model } = fakedVendor(name);
  const isStorable = (record: UsageRecord) =>
    Object.keys(noTokens).every((key) => key === "is_estimated" || toCount(record[key as "input_tokens"]) !== undefined);

  test.each([11.5, -3, 9e15])("an answer with the count %d has an estimated usage", async (number) => {
    const settings = await vendorWith(name, (reply) => changed(reply, number));
    const records: UsageRecord[] = [];
    const asked = gatewayModel([languageCandidate(`${name}/${model}`, settings)], {
      onUsage: (record) => records.push(record),
    });
    const { usage } = await asked.doGenerate(question);
    const parts = await partsOf(asked);
    expect(textIn(parts)).toBe(scriptedText);
    expect(usage.inputTokens.total).toBeUndefined();
    expect(parts.at(-1)).toMatchObject({ type: "finish", usage: { outputTokens: { total: undefined } } });
    expect(records).toMatchObject([
      { outcome: "complete", is_estimated: true },
      { outcome: "complete", is_estimated: true },
    ]);
    expect(records.every(isStorable)).toBe(true);
  });

  test.each([
    ["text", "21"],
    ["an object", { a: 1 }],
    ["nested deeply", JSON.parse("[".repeat(3_000) + "]".repeat(3_000)) as unknown],
  ])("a call whose numbers are %s answers, or fails as a provider does", async (_, value) => {
    const settings = await vendorWith(name, (reply) => changed(reply, value));
    const records: UsageRecord[] = [];
    const asked = gatewayModel([languageCandidate(`${name}/${model}`, settings)], {
      pauseMs: 1,
      onUsage: (record) => records.push(record),
    });
    const failures = [
      await asked.doGenerate(question).then(
        () => undefined,
        (error: unknown) => error,
      ),
      await partsOf(asked).then(
        (parts) => parts.find((part) => part.type === "error")?.error,
        (error: unknown) => error,
      ),
    ];
    const kinds = failures.map((failure) => (failure instanceof ProviderError ? failure.kind : failure));
    for (const kind of kinds) expect([undefined, "unavailable"]).toContain(kind);
    expect(records).toHaveLength(2);
    expect(records.every(isStorable)).toBe(true);
  });
});

describe.each(httpProviders.filter((name) => fakedVendor(name).embedding !== undefined))(
  "%s, whose numbers cannot be,",
  (name) => {
    test("an embedding has an estimated usage", async () => {
      const { embedding } = fakedVendor(name);
      const settings = await vendorWith(name, (reply) => changed(reply, -3));
      const records: UsageRecord[] = [];
      const asked = gatewayEmbeddingModel(embeddingCandidate(`${name}/${embedding}`, settings), {
        onUsage: (record) => records.push(record),
      });
      await asked.doEmbed({ values: ["a text"] });
      expect(records).toMatchObject([{ outcome: "complete", input_tokens: 2, is_estimated: true }]);
    });
  },
);

describe("a list of models", () => {
  test.each([
    [131_072, 131_072],
    ["8192", 8_192],
    [0, null],
    [-3, null],
    [1.5, null],
    [9e15, null],
    ["many", null],
  ])("a model with a context window of %j has %j", async (context_window, context_length) => {
    const settings = await vendorWith("groq", () => ({ data: [{ id: "a-70b", context_window }] }));
    expect(await openProvider("groq").listModels(settings)).toMatchObject([{ context_length, parameters_billions: 70 }]);
  });

  test("a list of models leaves out invalid entries and sizes", async () => {
    const data = [null, 5, { id: 1 }, { id: `huge-${"9".repeat(400)}b` }, { id: "good-7b" }];
    const settings = await vendorWith("groq", () => ({ data }));
    const models = await openProvider("groq").listModels(settings);
    expect(models.map(({ parameters_billions }) => parameters_billions)).toEqual([null, 7]);
  });

  test("a deeply nested list is a failure of the provider", async () => {
    const settings = await vendorWith("groq", () => ({ data: JSON.parse("[".repeat(3_000) + "]".repeat(3_000)) as unknown }));
    await expect(openProvider("groq").listModels(settings)).rejects.toMatchObject({
      name: "ProviderError",
      kind: "unavailable",
    });
  });
});

describe("embeddings", () => {
  test.each([
    [
      [
        [0.1, -0.2],
        [1, 0],
      ],
      2,
      undefined,
    ],
    [undefined, 1, "no vectors"],
    [[[1, 2]], 2, "1 vectors for 2 texts"],
    [[[1], [1, 2]], 2, "vectors of different lengths"],
    [[[1], "x"], 2, "an empty vector"],
    [[[]], 1, "an empty vector"],
    [[[0, 0, -0]], 1, "a vector of zeros"],
    [[[1e-9, -1e-9]], 1, "a vector of zeros"],
    [[[1, null]], 1, "a vector with a component that is not a number between -65504 and 65504"],
    [[[1, "2"]], 1, "a vector with a component that is not a number between -65504 and 65504"],
    [[[1, Number.NaN]], 1, "a vector with a component that is not a number between -65504 and 65504"],
    [[[1e39, 1]], 1, "a vector with a component that is not a number between -65504 and 65504"],
  ])("%j for %i texts: %s", (embeddings, count, fault) => expect(embeddingFault(embeddings, count)).toBe(fault));

  test("embeddings that cannot be compared fail the call with a provider's error", async () => {
    const settings = await vendorWith("custom", (reply) =>
      "data" in reply ? { ...reply, data: [{ object: "embedding", index: 0, embedding: [0, 0, 0] }] } : reply,
    );
    const records: UsageRecord[] = [];
    const asked = gatewayEmbeddingModel(embeddingCandidate("custom/e", settings), {
      onUsage: (record) => records.push(record),
    });
    const failure = (await asked.doEmbed({ values: ["a"] }).then(undefined, (error: unknown) => error)) as ProviderError;
    expect([failure.code, failure.failure.status, failure.message]).toEqual([
      "provider_refused",
      502,
      "Custom (OpenAI-compatible) returned a vector of zeros.",
    ]);
    expect(records).toMatchObject([{ outcome: "failed", error_code: "provider_refused" }]);
  });
});
