import type { LanguageModelV4CallOptions, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { generateText, jsonSchema, streamText, tool } from "ai";
import { describe, expect, test } from "vitest";
import { renderPassages } from "../../../../src/models/gateway/passage-block.ts";
import { openLanguageModel } from "../../../../src/models/providers/registry.ts";

globalThis.AI_SDK_LOG_WARNINGS = false;

const model = await openLanguageModel("builtin/extractive");

const instructions = renderPassages([
  { text: "The office opens at nine. It closes at six, except on Fridays.", source: "hours.md", score: 0.8 },
]);
const question = "When does the office open?";
const call: LanguageModelV4CallOptions = {
  prompt: [
    { role: "system", content: instructions },
    { role: "user", content: [{ type: "text", text: question }] },
  ],
};

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

async function partsOf(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamPart[]> {
  return all((await model.doStream(options)).stream);
}

function deltasOf(parts: readonly LanguageModelV4StreamPart[]): string[] {
  return parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : []));
}

describe("a stream of the extractive model", () => {
  test("the parts have the order of the specification, one word each", async () => {
    const parts = await partsOf(call);
    const order = parts.map(({ type }) => type).filter((type, at, types) => type !== types[at - 1]);
    expect(order).toEqual(["stream-start", "response-metadata", "source", "text-start", "text-delta", "text-end", "finish"]);
    expect(deltasOf(parts).slice(0, 4)).toEqual(["“The", " office", " opens", " at"]);
  });

  test("the stream matches the reply without streaming, with the same usage and finish reason", async () => {
    const { content, finishReason, usage, warnings } = await model.doGenerate(call);
    const parts = await partsOf(call);
    expect(content.at(-1)).toEqual({ type: "text", text: deltasOf(parts).join("") });
    expect(parts.find(({ type }) => type === "source")).toEqual(content[0]);
    expect(parts[0]).toEqual({ type: "stream-start", warnings });
    expect(parts.at(-1)).toEqual({ type: "finish", finishReason, usage });
    expect(finishReason.unified).toBe("stop");
  });

  test("an abort in the middle ends the stream at once with its reason", async () => {
    const abort = new AbortController();
    const { stream } = await model.doStream({ ...call, abortSignal: abort.signal });
    const reader = stream.getReader();
    for (let part = 0; part < 6; part += 1) expect((await reader.read()).done).toBe(false);
    abort.abort(new Error("stopped by the user"));
    await expect(reader.read()).rejects.toThrow("stopped by the user");
  });

  test("an aborted signal prevents the start", async () => {
    const abortSignal = AbortSignal.abort(new Error("too late"));
    await expect(model.doStream({ ...call, abortSignal })).rejects.toThrow("too late");
    await expect(model.doGenerate({ ...call, abortSignal })).rejects.toThrow("too late");
  });

  test("the reader can cancel the stream", async () => {
    const { stream } = await model.doStream(call);
    const reader = stream.getReader();
    await reader.read();
    await expect(reader.cancel()).resolves.toBeUndefined();
  });
});

describe("the token limit of the extractive model", () => {
  test.each([0, 1, 5, 12])("a limit of %i is kept and reported as the finish reason", async (maxOutputTokens) => {
    const { content, finishReason, usage } = await model.doGenerate({ ...call, maxOutputTokens });
    expect(finishReason.unified).toBe("length");
    expect(usage.outputTokens.total).toBeLessThanOrEqual(maxOutputTokens);
    expect(content.at(-1)).toEqual({ type: "text", text: deltasOf(await partsOf({ ...call, maxOutputTokens })).join("") });
  });

  test("a limit above the answer changes nothing", async () => {
    const { finishReason, usage } = await model.doGenerate({ ...call, maxOutputTokens: 1_000 });
    expect(finishReason.unified).toBe("stop");
    expect(usage).toEqual((await model.doGenerate(call)).usage);
    expect(usage.inputTokens.total).toBe(Math.ceil(Buffer.byteLength(`${instructions}\n${question}`) / 4));
  });
});

describe("unsupported features of the extractive model", () => {
  const look = tool({ description: "Looks", inputSchema: jsonSchema({ type: "object" }), execute: () => "seen" });

  test("tools are reported as unsupported and never called", async () => {
    const { text, toolCalls, warnings, finishReason } = await generateText({
      model,
      instructions,
      prompt: question,
      tools: { look },
    });
    expect(warnings).toEqual([{ type: "unsupported", feature: "tools", details: "This model does not call tools." }]);
    expect(toolCalls).toEqual([]);
    expect(finishReason).toBe("stop");
    expect(text).toContain("“The office opens at nine.” [1]");
  });

  test("required tools fail in the SDK, because there is no tool call", async () => {
    const required = generateText({ model, instructions, prompt: question, tools: { look }, toolChoice: "required" });
    await expect(required).rejects.toThrow("did not contain a tool call");
  });

  test("sampling, JSON and files are each reported as unsupported, and nothing is downloaded", async () => {
    const { warnings } = await generateText({
      model,
      instructions,
      temperature: 0.7,
      topP: 0.9,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: question },
            { type: "file", data: new URL("https://unreachable.invalid/a.png"), mediaType: "image/png" },
          ],
        },
      ],
    });
    expect(warnings?.map((warning) => ("feature" in warning ? warning.feature : ""))).toEqual([
      "temperature",
      "topP",
      "file parts",
    ]);
    const json = await model.doGenerate({ ...call, responseFormat: { type: "json" } });
    expect(json.warnings).toMatchObject([{ type: "unsupported", feature: "responseFormat" }]);
  });
});

describe("the extractive model in the AI SDK", () => {
  test("the AI SDK streams text, sources and usage", async () => {
    const result = streamText({ model, instructions, prompt: question });
    const text = (await all(result.textStream)).join("");
    expect(text).toBe((await generateText({ model, instructions, prompt: question })).text);
    expect(await result.finishReason).toBe("stop");
    expect((await result.sources).map((source) => source.id)).toEqual(["1"]);
    const { inputTokens, outputTokens, totalTokens } = await result.usage;
    expect(outputTokens).toBe(Math.ceil(Buffer.byteLength(text) / 4));
    expect(totalTokens).toBe(inputTokens! + outputTokens!);
  });

  test("a stopped stream keeps the text so far", async () => {
    const abort = new AbortController();
    const types: string[] = [];
    for await (const part of streamText({ model, instructions, prompt: question, abortSignal: abort.signal }).fullStream) {
      types.push(part.type);
      if (part.type === "text-delta") abort.abort();
    }
    expect(types).toContain("text-delta");
    expect(types.at(-1)).toBe("abort");
  });
});
