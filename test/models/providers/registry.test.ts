import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { productionConfig } from "../../../dev/wrangler/config.ts";
import type { Env } from "../../../src/env.ts";
import { boundDefaults, builtinDefaults, defaultModel, localEmbedding } from "../../../src/models/providers/defaults.ts";
import type { ProviderName } from "../../../src/models/providers/providers.ts";
import {
  describeCallable,
  describeModel,
  identityOf,
  openEmbeddingModel,
  openLanguageModel,
  openProvider,
  parseModelReference,
  providerNames,
  publicModelListProviders,
} from "../../../src/models/providers/registry.ts";
import { fakeAi } from "../../support/vendors/workers-ai.ts";
import type { Report } from "../support/added-provider.ts";

const provider = openProvider("builtin");

describe("a model reference", () => {
  test("a reference is a provider and a model name, which may contain slashes", () => {
    expect(parseModelReference("builtin/extractive")).toEqual({ provider: "builtin", modelId: "extractive" });
    expect(parseModelReference("builtin/meta/llama-3:8b")).toEqual({ provider: "builtin", modelId: "meta/llama-3:8b" });
  });

  test.each(["", "/", "builtin", "builtin/", "/extractive", "nobody/extractive", "Builtin/extractive", "toString/x"])(
    "%j is not a reference",
    async (reference) => {
      expect(parseModelReference(reference)).toBeUndefined();
      expect(describeModel(reference)).toBeUndefined();
      await expect(openLanguageModel(reference)).rejects.toMatchObject({ code: "validation_failed" });
    },
  );

  test("a reference opens only a model of its own kind", async () => {
    const notThere = { code: "validation_failed", issues: [{ path: "model" }] };
    await expect(openLanguageModel("builtin/extractive")).resolves.toMatchObject({ modelId: "extractive" });
    await expect(openEmbeddingModel("builtin/hashing-384")).resolves.toMatchObject({ modelId: "hashing-384" });
    await expect(openLanguageModel("builtin/hashing-384")).rejects.toMatchObject(notThere);
    await expect(openEmbeddingModel("builtin/extractive")).rejects.toMatchObject(notThere);
    await expect(openLanguageModel("builtin/gpt")).rejects.toMatchObject(notThere);
  });
});

describe("a model of Workers AI", () => {
  const llama = boundDefaults.language;

  test("its name determines its kind", () => {
    expect(describeModel(llama)).toMatchObject({
      kind: "language",
      provider: "workers-ai",
      model_id: "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
      display_name: "llama-3.3-70b-instruct-fp8-fast",
      parameters_billions: 70,
      supports_tools: true,
    });
    expect(describeModel(boundDefaults.embedding)).toMatchObject({ kind: "embedding", supports_tools: false });
    expect(describeModel("workers-ai/@cf/openai/whisper")).toBeUndefined();
  });

  test("it can be called if the binding exists, and built-in models always", () => {
    const unbound = { env: {} as Env };
    const bound = { env: { AI: fakeAi().binding } as unknown as Env };
    expect(describeCallable(unbound, llama)).toBeUndefined();
    expect(describeCallable(bound, llama)).toEqual(describeModel(llama));
    for (const { env } of [unbound, bound]) expect(describeCallable({ env }, builtinDefaults.language)).toBeDefined();
  });
});

test("the default models are those of Workers AI if it is bound, else built-in ones, each of its kind", async () => {
  const { models } = openProvider("workers-ai");
  for (const kind of ["language", "embedding"] as const) {
    expect(defaultModel({ EMBEDDINGS_URL: "" }, kind)).toBe(builtinDefaults[kind]);
    for (const EMBEDDINGS_URL of ["", "http://127.0.0.1:1"])
      expect(defaultModel({ AI: fakeAi().binding, EMBEDDINGS_URL }, kind)).toBe(boundDefaults[kind]);
    for (const name of [builtinDefaults[kind], boundDefaults[kind]]) expect(describeModel(name)?.kind).toBe(kind);
    expect(models.map((model) => `workers-ai/${model}`)).toContain(boundDefaults[kind]);
  }
});

test("with an embedding server, its model is the default for embeddings, and can be called", () => {
  const env = { EMBEDDINGS_URL: "http://127.0.0.1:1" } as Env;
  expect(defaultModel(env, "language")).toBe(builtinDefaults.language);
  expect(defaultModel(env, "embedding")).toBe(localEmbedding);
  expect(describeCallable({ env }, localEmbedding)).toMatchObject({ kind: "embedding", provider: "local" });
  expect(describeCallable({ env: { EMBEDDINGS_URL: "" } as Env }, localEmbedding)).toBeUndefined();
});

test("Workers AI is not bound by default, because wrangler dev would need an account", () => {
  expect(productionConfig().ai).toBeUndefined();
});

describe("every provider", () => {
  test.each(providerNames)("%s has its registered name", (name) => {
    const { name: own, display_name, color } = openProvider(name);
    expect(own).toBe(name);
    expect(display_name).not.toBe("");
    expect(color).toMatch(/^#[0-9a-f]{6}$/);
  });
});

describe("a provider that is added to the array", () => {
  test("it appears in every list, lookup and schema", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["test/models/support/added-provider.ts"]);
    const { listed, candidate, schemas, enums, ...names } = JSON.parse(stdout) as Report;
    expect(names.providerNames).toEqual([...providerNames, "added"]);
    expect(names.publicModelListProviders).toEqual([...publicModelListProviders, "added"]);
    expect(listed).toMatchObject({ name: "added", display_name: "Added Provider", available: true, models: ["added-1"] });
    expect(candidate).toBe("Added Provider");
    expect(schemas).toEqual({ newModel: true, externalModel: true, modelList: true, price: true });
    expect(enums.length).toBeGreaterThan(5);
    expect(enums).not.toContain(false);
  });
});

describe("a provider of a newer version", () => {
  const name = "newer" as ProviderName;

  test("it is shown by its name, and its models cannot be called", () => {
    expect(identityOf(name)).toEqual({ name, display_name: name });
    const error = { kind: "not_configured", provider: name, message: "newer is not configured on this server." };
    expect(() => openProvider(name)).toThrow(expect.objectContaining(error));
  });
});

describe("builtin", () => {
  test("it needs no key and calls no tools", () => {
    expect(provider).toMatchObject({
      base_url: null,
      requires_api_key: false,
      supports_streaming: true,
      supports_tools: false,
      supports_embeddings: true,
      supports_fine_tuning: false,
    });
  });

  test("it describes each listed model without loading it", async () => {
    const models = await provider.listModels({});
    expect(models.map(({ model_id }) => model_id)).toEqual(["extractive", "hashing-384"]);
    for (const model of models) expect(describeModel(`builtin/${model.model_id}`)).toEqual(model);
    expect(describeModel("builtin/extractive")).toEqual({
      kind: "language",
      provider: "builtin",
      provider_display_name: "Built-in",
      model_id: "extractive",
      display_name: "Built-in extractive",
      parameters_billions: null,
      context_length: null,
      capabilities: ["chat", "citations"],
      architecture: "extractive",
      supports_tools: false,
      supports_streaming: true,
    });
  });

  test("it runs each of its models in a test", async () => {
    await expect(provider.test("extractive", {})).resolves.toMatchObject({
      success: true,
      response: expect.stringContaining("“This model quotes what was retrieved.” [1]") as string,
      error: null,
    });
    await expect(provider.test("hashing-384", {})).resolves.toMatchObject({ success: true, error: null });
  });

  test("a test of a missing model has a clear error", async () => {
    await expect(provider.test("gpt", {})).resolves.toMatchObject({
      success: false,
      response: null,
      error: expect.stringContaining("builtin/gpt") as string,
    });
  });
});
