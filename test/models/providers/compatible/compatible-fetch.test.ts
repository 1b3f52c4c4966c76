import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Quirks } from "../../../../src/models/constants.ts";
import { gatewayEmbeddingModel, gatewayModel } from "../../../../src/models/gateway/gateway.ts";
import { openProvider } from "../../../../src/models/providers/registry.ts";
import type { ProviderName } from "../../../../src/models/providers/providers.ts";
import type { UsageRecord } from "../../../../src/models/gateway/usage-record.ts";
import { providerKey } from "../../../support/canary.ts";
import { startFakeLlm, type FakeLlm } from "../../../support/fake-llm.ts";
import { collect, partsOf, textIn } from "../../support/models.ts";

let llm: FakeLlm;
let found: Quirks = {};
let records: UsageRecord[] = [];
beforeAll(async () => {
  llm = await startFakeLlm();
});
afterAll(() => llm.close());
beforeEach(() => {
  llm.quirks = {};
  llm.requests.length = llm.paths.length = 0;
  llm.replyWith({ pieces: ["Hello", " there."] });
  found = {};
  records = [];
});

const apiKey = providerKey("of-compatible");
const settings = (quirks: Quirks = {}, baseUrl = llm.baseUrl) => ({
  apiKey,
  baseUrl,
  quirks,
  coalesceDeltas: true,
  onQuirks: (more: Quirks) => void (found = { ...found, ...more }),
});

/** The model of a server, behind the gateway. */
function modelAt(quirks: Quirks = {}, name: ProviderName = "custom", baseUrl = llm.baseUrl) {
  const provider = openProvider(name);
  const open = () => provider.languageModel("m", settings(quirks, baseUrl));
  return gatewayModel([{ provider, modelId: "m", open }], { pauseMs: 1, onUsage: (record) => records.push(record) });
}

const prompt = [
  { role: "system" as const, content: "Be kind." },
  { role: "user" as const, content: [{ type: "text" as const, text: "Hello?" }] },
];
const call = { prompt, temperature: 0.5, topP: 0.9, maxOutputTokens: 50 };

const sdks = ["custom", "groq", "huggingface", "mistral", "moonshotai", "nvidia", "ollama", "openrouter", "together"] as const;

describe.each(sdks)("a server of %s", (name) => {
  test("the query of a base URL is in each request", async () => {
    const model = modelAt({}, name, `${llm.baseUrl}?api-version=2024-06-01`);
    expect(textIn(await partsOf(model, call))).toBe("Hello there.");
    expect(llm.paths).toEqual([expect.stringContaining("/chat/completions?api-version=2024-06-01")]);
  });

  test("a request that the server accepts is sent once", async () => {
    expect(textIn(await partsOf(modelAt({}, name), call))).toBe("Hello there.");
    expect(llm.requests).toHaveLength(1);
    expect(found).toEqual({});
  });

  test("refused parameters are left out, and each refusal is found once", async () => {
    llm.quirks = { refuses: ["temperature", "top_p", "max_tokens", "stream_options"] };
    expect(textIn(await partsOf(modelAt({}, name), call))).toBe("Hello there.");
    const { temperature, top_p, max_tokens, max_completion_tokens, stream_options } = llm.requests.at(-1)!;
    expect({ temperature, top_p, max_tokens, max_completion_tokens, stream_options }).toEqual({ max_completion_tokens: 50 });
    expect(found).toMatchObject({ temperature: false, top_p: false });
    // The SDK of Moonshot AI already uses the newer name.
    expect(found.max_tokens_name).toBe(name === "moonshotai" ? undefined : "max_completion_tokens");
    llm.requests.length = 0;
    await partsOf(modelAt(found, name), call);
    expect(llm.requests).toHaveLength(1);
  });

  test("a whole answer to a request for a stream is read, and requested whole afterwards", async () => {
    llm.quirks = { whole: true };
    expect(textIn(await partsOf(modelAt({}, name), call))).toBe("Hello there.");
    expect(found).toEqual({ stream: false });
    expect(textIn(await partsOf(modelAt(found, name), call))).toBe("Hello there.");
    expect(llm.requests.at(-1)).toMatchObject({ stream: false });
    expect(llm.requests.at(-1)).not.toHaveProperty("stream_options");
    expect(records).toMatchObject([{ outcome: "complete" }, { outcome: "complete", input_tokens: 10 }]);
  });

  test("the text of a refused system message stands before the first message", async () => {
    llm.quirks = { refusesSystem: true, onlyStrings: true };
    expect(textIn(await partsOf(modelAt({}, name), call))).toBe("Hello there.");
    expect(llm.requests.at(-1)!.messages).toMatchObject([{ role: "user", content: "Be kind.\n\nHello?" }]);
    expect(found).toMatchObject({ system_role: false });
  });

  test.each([
    ["no choices", 'data: {"id":"1","created":1,"model":"m","usage":null}\n\n'],
    ["a numeric ID", 'data: {"id":7,"created":"1","model":5,"choices":[{"index":"0","delta":{"content":""}}]}\n\n'],
    ["a broken line", 'data: {"id":"1","choices":[{"del\n\ndata: oops\n\nnonsense\n\n'],
    ["an unknown role", 'data: {"id":"1","choices":[{"index":0,"delta":{"role":"model","content":""}}]}\n\n'],
    ["no delta", 'data: {"id":"1","choices":[{"index":0}]}\n\ndata: {"id":"1","choices":[null]}\n\n'],
    ["an empty error", 'data: {"id":"1","error":null,"choices":[]}\n\n'],
    ["an empty finish reason", 'data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":""}]}\n\n'],
  ])("a chunk with %s does not end the answer", async (_what, odd) => {
    const chunk = (text: string) =>
      `data: ${JSON.stringify({ id: "1", created: 1, model: "m", choices: [{ index: 0, delta: { content: text } }] })}\n\n`;
    const usage = '{"prompt_tokens":"12","completion_tokens":"3","total_tokens":"15"}';
    const end = `data: {"id":"1","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":${usage},"x_groq":{"id":"a","usage":${usage}}}`;
    llm.replyWith({ pieces: [], raw: odd + chunk("Hel") + odd + chunk("lo.") + odd + end });
    expect(textIn(await partsOf(modelAt({}, name), call))).toBe("Hello.");
    expect(records).toMatchObject([{ outcome: "complete", input_tokens: 12, output_tokens: 3, is_estimated: false }]);
  });

  test("a missing finish reason before [DONE] is a complete answer, and without [DONE] a broken one", async () => {
    const chunk = 'data: {"id":"1","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hello."}}]}\n\n';
    llm.replyWith({ pieces: [], raw: `${chunk}data: [DONE]` }, { pieces: [], raw: chunk });
    expect((await partsOf(modelAt({}, name), call)).at(-1)).toMatchObject({
      type: "finish",
      finishReason: { unified: "stop" },
    });
    expect((await partsOf(modelAt({}, name), call)).at(-1)).toMatchObject({ type: "error", error: { kind: "unavailable" } });
  });

  test.each(["abort", "error"])("an answer that ends with %s is broken off", async (finish) => {
    llm.replyWith({ pieces: ["Hel"], finish });
    expect((await partsOf(modelAt({}, name), call)).at(-1)).toMatchObject({ type: "error", error: { kind: "unavailable" } });
    expect(records).toMatchObject([{ outcome: "failed" }]);
  });

  test("reasoning tokens beside the completion tokens are counted", async () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 35,
      completion_tokens_details: { reasoning_tokens: 20 },
    };
    llm.replyWith({ pieces: ["Hello."], usage });
    await partsOf(modelAt({}, name), call);
    expect(records).toMatchObject([{ input_tokens: 10, output_tokens: 25 }]);
  });

  test("reasoning between tags is no text, wherever the tags are cut", async () => {
    for (const size of [1, 2, 3, 5, 8]) {
      const text = "<think>\nHm, <b>?</think>\n\nHello.";
      llm.replyWith({ pieces: text.match(new RegExp(`[^]{1,${size}}`, "g"))! });
      const parts = await partsOf(modelAt({}, name), call);
      expect(textIn(parts)).toBe("Hello.");
      const reasoning = parts
        .map((part) => (part.type === "reasoning-delta" ? part.delta : ""))
        .join("")
        .replaceAll("\0", "");
      expect(reasoning).toBe("Hm, <b>?");
    }
  });
});

describe("a server without tools", () => {
  const tools = [
    {
      type: "function" as const,
      name: "look_up",
      description: "Looks up.",
      inputSchema: { type: "object" as const, properties: {} },
    },
  ];
  const withTools = { ...call, tools, toolChoice: { type: "auto" as const } };
  const error = (message: string) => ({ error: { message, type: "api_error" } });

  test.each([
    ["Ollama", 400, error("registry.ollama.ai/library/gemma:2b does not support tools")],
    ["llama.cpp", 500, error("tools param requires --jinja flag")],
    [
      "vLLM",
      400,
      { object: "error", message: '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set' },
    ],
    [
      "OpenRouter",
      404,
      error("No endpoints found that support tool use. To learn more about provider routing, visit the documentation."),
    ],
    ["Groq", 400, error("`tool calling` is not supported with this model")],
    [
      "a strict server",
      422,
      { detail: [{ type: "extra_forbidden", loc: ["body", "tools"], msg: "Extra inputs are not permitted" }] },
    ],
  ])(
    "the words of %s are understood: the request is sent without tools, and so are later ones",
    async (_name, status, body) => {
      llm.quirks = { toolsError: { status, body } };
      expect(textIn(await partsOf(modelAt(), withTools))).toBe("Hello there.");
      expect(found).toMatchObject({ tools: false });
      expect(llm.requests.at(-1)).not.toHaveProperty("tools");
      expect(llm.requests.at(-1)).not.toHaveProperty("tool_choice");
      llm.requests.length = 0;
      expect(textIn(await partsOf(modelAt(found), withTools))).toBe("Hello there.");
      expect(llm.requests).toHaveLength(1);
    },
  );

  test("an error that only mentions a tool leaves the tools in", async () => {
    llm.quirks = { toolsError: { status: 400, body: error("The tool look_up failed.") } };
    await expect(modelAt().doStream(withTools)).rejects.toThrow("refused the request");
    expect(found).toEqual({});
    expect(llm.requests).toHaveLength(1);
  });
});

describe("what a user sets", () => {
  test("a parameter that the user wants is sent, and its refusal names it", async () => {
    llm.quirks = { refuses: ["temperature"] };
    const failure = await modelAt({ temperature: true })
      .doStream(call)
      .then(undefined, (error: Error) => error.message);
    expect(failure).toBe(
      "Custom (OpenAI-compatible) refused the request because of `temperature`. Check this setting of the model.",
    );
    expect(llm.requests).toHaveLength(1);
    expect(found).toEqual({});
  });
});

describe("base URLs", () => {
  test.each(["/v1/chat/completions", "/v1/embeddings", "/v1/responses", "/v1/", "/v1//", "", "/"])(
    "a base URL that ends in “%s” is understood",
    async (end) => {
      llm.quirks = { path: "/v1" };
      const { origin } = new URL(llm.baseUrl);
      expect(textIn(await partsOf(modelAt({}, "custom", `${origin}${end}`), call))).toBe("Hello there.");
      expect(llm.paths.at(-1)).toBe("/v1/chat/completions");
      expect(found).toEqual(end.startsWith("/v1") ? {} : { path_prefix: "/v1" });
    },
  );

  test("an address without an API is reported as such", async () => {
    llm.quirks = { path: "/elsewhere/v1" };
    const failure = await modelAt()
      .doStream(call)
      .then(undefined, (error: Error) => error.message);
    expect(failure).toContain("has no model with this ID at this address. Check the model ID and the base URL.");
  });
});

const embedders = ["custom", "mistral", "ollama", "openai", "openrouter", "together"] as const;
const texts = ["a", "bb", "ccc", "dddd", "eeeee"];

async function embedAt(name: ProviderName, quirks: Quirks = {}): Promise<number[]> {
  const provider = openProvider(name);
  const open = () => provider.embeddingModel("embedder", settings(quirks));
  const model = gatewayEmbeddingModel(
    { provider, modelId: "embedder", open },
    { pauseMs: 1, onUsage: (record) => records.push(record) },
  );
  return (await model.doEmbed({ values: texts })).embeddings.map(([length]) => length!);
}

describe.each(embedders)("embeddings of %s", (name) => {
  type Data = { index?: unknown; embedding: number[] }[];
  test.each<[string, (data: Data) => Data]>([
    ["in reverse", (data) => data.toReversed()],
    ["with indexes as strings", (data) => data.toReversed().map((item) => ({ ...item, index: String(item.index) }))],
    ["with indexes from one", (data) => data.toReversed().map((item) => ({ ...item, index: Number(item.index) + 1 }))],
    ["without the index 0", (data) => data.toReversed().map(({ index, ...item }) => (index === 0 ? item : { ...item, index }))],
    ["without indexes", (data) => data.map(({ embedding }) => ({ embedding }))],
  ])("embeddings %s belong to their texts", async (_what, data) => {
    llm.quirks = { data };
    expect(await embedAt(name)).toEqual([1, 2, 3, 4, 5]);
    expect(llm.requests).toHaveLength(1);
  });

  test("texts whose embeddings cannot be matched are embedded one by one", async () => {
    llm.quirks = { data: (data) => data.toReversed().map((item) => ({ ...item, index: 0 })) };
    expect(await embedAt(name)).toEqual([1, 2, 3, 4, 5]);
    expect(found).toEqual({ max_embedding_batch: 1 });
  });

  test.each([
    ["a limit in words", undefined],
    ["413", { status: 413, body: { error: "Payload Too Large" } }],
    ["422", { status: 422, body: { error: "batch size 5 > maximum allowed batch size 2", error_type: "Validation" } }],
    ["400 without a number", { status: 400, body: { message: "Too many inputs in request, split into more batches." } }],
  ])("a batch that is refused with %s is split", async (_what, batchError) => {
    llm.quirks = { batch: 2, ...(batchError && { batchError }) };
    expect(await embedAt(name)).toEqual([1, 2, 3, 4, 5]);
    expect(found).toEqual({ max_embedding_batch: 2 });
    expect(records).toMatchObject([{ outcome: "complete", input_tokens: 5 }]);
    llm.requests.length = 0;
    expect(await embedAt(name, found)).toEqual([1, 2, 3, 4, 5]);
    expect(llm.requests).toHaveLength(3);
  });
});

test("the connection test sends what a turn sends, and says what it found", async () => {
  llm.quirks = { refuses: ["temperature", "stream_options", "max_tokens"], refusesSystem: true };
  const tested = await openProvider("custom").test("m", settings());
  expect(tested).toMatchObject({ success: true, response: "Hello there." });
  expect(tested.quirks).toEqual({
    temperature: false,
    stream_options: false,
    max_tokens_name: "max_completion_tokens",
    system_role: false,
  });
  expect(tested.message).toContain("The server refuses `temperature`: it is not sent.");
  expect(tested.message).toContain("The server wants `max_completion_tokens` instead of `max_tokens`.");
});

test("reasoning goes back with tool calls only to a server that requires it", async () => {
  const withCalls = {
    prompt: [
      ...prompt,
      {
        role: "assistant" as const,
        content: [
          { type: "reasoning" as const, text: "I look it up." },
          { type: "tool-call" as const, toolCallId: "call1", toolName: "look_up", input: {} },
        ],
      },
      {
        role: "tool" as const,
        content: [
          {
            type: "tool-result" as const,
            toolCallId: "call1",
            toolName: "look_up",
            output: { type: "text" as const, value: "5" },
          },
        ],
      },
    ],
  };
  await collect((await modelAt().doStream(withCalls)).stream);
  expect(JSON.stringify(llm.requests)).not.toContain("reasoning_content");
  llm.quirks = { needsReasoning: true };
  expect(textIn(await partsOf(modelAt(), withCalls))).toBe("Hello there.");
  expect(llm.requests.at(-1)!.messages[2]).toMatchObject({ reasoning_content: "I look it up." });
  expect(found).toEqual({ reasoning_content: true });
});
