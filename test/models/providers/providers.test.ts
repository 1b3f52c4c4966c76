import { globSync, readFileSync } from "node:fs";
import { embedMany, generateText, isStepCount, jsonSchema, streamText, tool } from "ai";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { CallOptions } from "../../../src/models/gateway/call.ts";
import { openProvider, providerNames } from "../../../src/models/providers/registry.ts";
import type { UsageRecord } from "../../../src/models/gateway/usage-record.ts";
import { providerKey } from "../../support/canary.ts";
import { scriptedText, script } from "../../support/vendors/script.ts";
import { startVendor, type FakeVendor } from "../../support/vendors/server.ts";
import { fakedVendor, httpProviders } from "../../support/vendors/vendors.ts";
import { fakeAi } from "../../support/vendors/workers-ai.ts";
import { collect, partsOf } from "../support/models.ts";

globalThis.AI_SDK_LOG_WARNINGS = false;

const apiKey = providerKey("of-the-adapters");
const { input, output, cached } = script.usage;

const lookUp = tool({
  description: "Looks a city up",
  inputSchema: jsonSchema<{ city: string }>({ type: "object", properties: { city: { type: "string" } } }),
  execute: ({ city }) => `${city} lies by a lake.`,
});

describe.each(httpProviders)("%s", async (name) => {
  const { protocol, model, suffix = "", lists } = fakedVendor(name);
  const provider = openProvider(name);
  let vendor: FakeVendor;
  const settings = () => ({ apiKey, baseUrl: `${vendor.baseUrl}${suffix}` });

  beforeAll(async () => {
    vendor = await startVendor(protocol, apiKey);
  });
  afterAll(() => vendor.close());

  test("the provider answers and reports its usage", async () => {
    const { text, usage, finishReason } = await generateText({
      model: await provider.languageModel(model, settings()),
      instructions: "Be kind.",
      prompt: "How is Zürich?",
    });
    expect(text).toBe(scriptedText);
    expect(finishReason).toBe("stop");
    expect(usage).toMatchObject({ inputTokens: input, outputTokens: output });
  });

  test("the provider streams an answer in deltas and reports its usage", async () => {
    const { textStream, usage, finishReason } = streamText({
      model: await provider.languageModel(model, settings()),
      prompt: "How is Zürich?",
    });
    expect(await collect(textStream)).toEqual(script.pieces);
    expect(await finishReason).toBe("stop");
    expect(await usage).toMatchObject({ inputTokens: input, outputTokens: output });
    // Cohere's SDK does not read what came from the cache.
    expect((await usage).inputTokenDetails.cacheReadTokens).toBe(name === "cohere" ? undefined : cached);
  });

  test.each(["generate", "stream"])("the provider calls a tool and continues with its result: %s", async (how) => {
    const call = {
      model: await provider.languageModel(model, settings()),
      prompt: "Look Zürich up.",
      tools: { look_up: lookUp },
      stopWhen: isStepCount(3),
    };
    const { steps, text } = how === "stream" ? streamText(call) : await generateText(call);
    const [first, second] = await steps;
    expect(first).toMatchObject({ finishReason: "tool-calls" });
    expect(first!.toolCalls).toMatchObject([{ toolName: "look_up", input: script.toolCall.input }]);
    expect(first!.toolResults).toMatchObject([{ output: "Zürich lies by a lake." }]);
    expect(second).toMatchObject({ finishReason: "stop" });
    expect(await text).toBe(scriptedText);
    expect(JSON.stringify(vendor.requests.at(-1)!.body)).toContain("Zürich lies by a lake.");
  });

  test("the provider lists its language and embedding models", async () => {
    const models = await provider.listModels(settings());
    const lines = models.map(({ kind, model_id, context_length, capabilities }) =>
      [kind, model_id, context_length ?? "?", ...capabilities.slice(1)].join(" "),
    );
    expect(lines).toEqual(lists);
    for (const each of models) {
      expect(each).toMatchObject({ provider: name, provider_display_name: provider.display_name });
      expect(each.supports_tools).toBe(each.capabilities.includes("tools"));
    }
  });

  test("the test of the provider is a real call", async () => {
    const before = vendor.requests.length;
    await expect(provider.test(model, settings())).resolves.toEqual({
      success: true,
      message: "The model responded.",
      response: scriptedText,
      error: null,
      quirks: {},
    });
    expect(vendor.requests.length).toBe(before + 1);
  });

  test("a wrong key is reported without showing it", async () => {
    const wrong = await provider.test(model, { ...settings(), apiKey: providerKey("that-is-wrong") });
    expect(wrong).toMatchObject({
      success: false,
      error: `${provider.display_name} rejected the API key, or the key lacks a permission. Check the key.`,
    });
  });
});

const embedding = httpProviders.filter((name) => fakedVendor(name).embedding !== undefined);

test.each(embedding)("%s embeds texts in order", async (name) => {
  const { protocol, embedding: model = "", suffix = "" } = fakedVendor(name);
  const vendor = await startVendor(protocol, apiKey);
  const { embeddingModel, test: tryOut } = openProvider(name);
  const settings = { apiKey, baseUrl: `${vendor.baseUrl}${suffix}` };
  const { embeddings } = await embedMany({ model: await embeddingModel(model, settings), values: ["one", "two"] });
  expect(embeddings).toEqual([script.vector, script.vector]);
  await expect(tryOut(model, settings)).resolves.toMatchObject({ success: true, response: "A vector of 3 numbers." });
  const wrong = await tryOut(model, { ...settings, apiKey: providerKey("that-is-wrong") });
  expect(wrong.error).toContain("rejected the API key");
  await vendor.close();
});

test.each(httpProviders.filter((name) => !embedding.includes(name)))("%s refuses to embed", async (name) => {
  const { supports_embeddings, embeddingModel } = openProvider(name);
  expect(supports_embeddings).toBe(false);
  await expect(embeddingModel("any", { apiKey })).rejects.toMatchObject({ code: "validation_failed" });
});

const keyed = httpProviders.map(openProvider).filter(({ requires_api_key }) => requires_api_key);

test.each(keyed)("$name is not called without a key", async ({ display_name, test: tryOut, listModels }) => {
  const refuse: typeof fetch = () => Promise.reject(new Error("it was called"));
  await expect(tryOut("any", { fetch: refuse })).resolves.toMatchObject({ error: `${display_name} requires an API key.` });
  await expect(listModels({ fetch: refuse })).rejects.toMatchObject({ kind: "not_configured" });
});

test("a provider without a default base URL requires one", async () => {
  for (const name of ["custom", "ollama"] as const) {
    const { display_name, test: tryOut, base_url } = openProvider(name);
    expect(base_url).toBeNull();
    await expect(tryOut("a", {})).resolves.toMatchObject({ success: false, error: `${display_name} requires a base URL.` });
  }
});

test("OpenAI is told to store nothing", async () => {
  const vendor = await startVendor(fakedVendor("openai").protocol, apiKey);
  const model = await openProvider("openai").languageModel("gpt-6-luna", { apiKey, baseUrl: vendor.baseUrl });
  await generateText({ model, prompt: "Hello" });
  expect(vendor.requests[0]).toMatchObject({ path: "/v1/responses", body: { store: false } });
  await vendor.close();
});

test("no setting is read from the environment of the process", async () => {
  const vendor = await startVendor(fakedVendor("openai").protocol, providerKey("of-the-operator"));
  vi.stubEnv("OPENAI_API_KEY", providerKey("of-the-operator"));
  vi.stubEnv("OPENAI_BASE_URL", vendor.baseUrl);
  try {
    const { languageModel } = openProvider("openai");
    await expect(languageModel("gpt-6-luna", {})).rejects.toMatchObject({ kind: "not_configured" });
    const reached: string[] = [];
    const refuse: typeof fetch = (url) => {
      reached.push(new URL(url as string).host);
      return Promise.reject(new TypeError("fetch failed"));
    };
    const model = await languageModel("gpt-6-luna", { apiKey: providerKey("of-a-user"), fetch: refuse });
    await expect(generateText({ model, prompt: "Hello", maxRetries: 0 })).rejects.toThrow("fetch failed");
    expect(reached).toEqual(["api.openai.com"]);
    expect(vendor.requests).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
    await vendor.close();
  }
});

describe("workers-ai", async () => {
  const provider = openProvider("workers-ai");
  const { binding: ai, runs, failNext } = fakeAi();
  const model = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";

  test("it reports a missing binding", async () => {
    const unbound = "Workers AI is not available on this server: the configuration has no [ai] binding.";
    expect(provider.unavailable({})).toBe(unbound);
    expect(provider.unavailable({ ai })).toBeNull();
    await expect(provider.test(model, {})).resolves.toMatchObject({ success: false, error: unbound });
    await expect(provider.listModels({})).rejects.toMatchObject({ kind: "not_configured", message: unbound });
  });

  test("it answers, streams, calls tools and embeds through the binding", async () => {
    const settings = { ai };
    const languageModel = await provider.languageModel(model, settings);
    const { text, usage } = await generateText({ model: languageModel, prompt: "How is Zürich?" });
    expect(text).toBe(scriptedText);
    expect(usage).toMatchObject({ inputTokens: input, outputTokens: output });
    const parts = await partsOf(languageModel);
    expect(parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : []))).toEqual(script.pieces);
    const { steps } = await generateText({
      model: languageModel,
      prompt: "Look Zürich up.",
      tools: { look_up: lookUp },
      stopWhen: isStepCount(3),
    });
    expect(steps[0]!.toolCalls).toMatchObject([{ toolName: "look_up", input: script.toolCall.input }]);
    const { embeddings } = await embedMany({
      model: await provider.embeddingModel("@cf/baai/bge-base-en-v1.5", settings),
      values: ["one", "two"],
    });
    expect(embeddings).toEqual([script.vector, script.vector]);
    expect(runs.at(-1)).toEqual({ model: "@cf/baai/bge-base-en-v1.5", inputs: { text: ["one", "two"] } });
  });

  test("it lists its models", async () => {
    expect((await provider.listModels({ ai })).map(({ model_id, kind }) => [model_id, kind])).toEqual([
      [model, "language"],
      ["@cf/baai/bge-base-en-v1.5", "embedding"],
    ]);
  });

  test.each([
    [5007, "refused", 400],
    [3040, "rate_limited", 429],
    [3007, "unavailable", 408],
    [9999, "unavailable", null],
  ])("its error %i is %s", async (code, outcome, status) => {
    const records: UsageRecord[] = [];
    failNext(code, code);
    const options: CallOptions = { pauseMs: 1, onUsage: (record) => records.push(record) };
    const { success, error } = await provider.test(model, { ai }, options);
    expect(success).toBe(false);
    expect(error).not.toContain("words of the vendor");
    expect(records).toMatchObject([{ error_code: `provider_${outcome}` }]);
    expect(records[0]!.attempts.at(-1)).toMatchObject({ outcome, status });
    failNext();
  });
});

describe("the list of providers", () => {
  test("each entry has the fields that clients show", async () => {
    for (const provider of providerNames.map(openProvider)) {
      expect(provider.icon).not.toBe("");
      expect(provider.base_url ?? "https://").toMatch(/^https:\/\//);
      expect(new Set(provider.models).size).toBe(provider.models.length);
      expect(provider.unavailable({}) === null).toBe(provider.name !== "workers-ai" && provider.name !== "local");
    }
  });

  test("the list loads no SDK, which only methods import", () => {
    const files = globSync("src/models/**/*.ts");
    expect(files.length).toBeGreaterThan(30);
    const eager = /^(?:import|export)(?! type\b)[^;]*from "(?:@ai-sdk\/(?!provider")|@openrouter\/|workers-ai-provider"|ai")/m;
    expect(files.filter((path) => eager.test(readFileSync(path, "utf8")))).toEqual([]);
    expect('import { generateText } from "ai";').toMatch(eager);
  });
});
