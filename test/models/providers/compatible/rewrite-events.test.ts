import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compatibleFetch } from "../../../../src/models/providers/compatible/compatible-fetch.ts";
import { openLanguageModel } from "../../../../src/models/providers/registry.ts";
import { splitDeltas, stripSeparators } from "../../../../src/models/gateway/coalesced-deltas.ts";
import { providerKey } from "../../../support/canary.ts";
import { collect, partsOf } from "../../support/models.ts";

/** The providers that speak Chat Completions, by what is around its events. */
const openAiProviders = [
  "custom",
  "groq",
  "huggingface",
  "mistral",
  "moonshotai",
  "nvidia",
  "ollama",
  "openrouter",
  "together",
];

type Json = Record<string, unknown>;

const chunk = (delta: Json, { finish_reason = null, ...more }: Json = {}): Json => ({
  id: "1",
  object: "chat.completion.chunk",
  created: 1,
  model: "m",
  choices: [{ index: 0, delta, finish_reason }],
  ...more,
});
const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const ending = [chunk({}, { finish_reason: "stop", usage }), "[DONE]"];
const call = (id: string, args: string) => ({
  tool_calls: [{ index: 0, id, type: "function", function: { name: "look_up", arguments: args } }],
});

type Event = { data: Json | string; name?: string };

const written = (events: readonly Event[], end = "\n"): string =>
  events
    .map(({ data, name }) => {
      const lines = typeof data === "string" ? data : JSON.stringify(data);
      return `${name === undefined ? "" : `event: ${name}${end}`}data: ${lines}${end}${end}`;
    })
    .join("");

const textEvents = (...texts: string[]): Event[] => texts.map((content) => ({ data: chunk({ content }) }));

/** A `fetch` that is answered with these bytes, each piece by itself. */
const answering =
  (...pieces: (Uint8Array | string)[]): typeof fetch =>
  async () => {
    const encoder = new TextEncoder();
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(typeof piece === "string" ? encoder.encode(piece) : piece);
        controller.close();
      },
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
  };

const url = "https://vendor.example/v1/chat/completions";
const wrapped = (send: typeof fetch) =>
  compatibleFetch(send, { baseURL: "https://vendor.example/v1", versionPath: "/v1", joins: true, quirks: {} });

const streaming = { method: "POST", body: JSON.stringify({ model: "m", stream: true }) };

/** What `joining` makes of an answer. */
async function joined(...pieces: (Uint8Array | string)[]): Promise<string> {
  return (await wrapped(answering(...pieces))(url, streaming)).text();
}

/** The text of each event in what `joining` made. */
const textsIn = (stream: string): unknown[] =>
  stream
    .split("\n\n")
    .filter((event) => event.startsWith("data: {"))
    .map((event) => (JSON.parse(event.slice("data: ".length)) as { choices: { delta: Json }[] }).choices[0]!.delta["content"]);

describe("events that arrive together", () => {
  test("events are merged with separators between the deltas", async () => {
    const [only, ...others] = textsIn(await joined(written(textEvents("Grü", 'ße, "', "世\\", "界\n", "👋"))));
    expect(others).toEqual([]);
    expect(splitDeltas(String(only))).toEqual(["Grü", 'ße, "', "世\\", "界\n", "👋"]);
    expect(stripSeparators(String(only))).toBe('Grüße, "世\\界\n👋');
  });

  test("an event that arrives alone is unchanged", async () => {
    const events = textEvents("a", "b").map((event) => written([event]));
    expect(await joined(...events)).toBe(events.join(""));
  });

  test("the provider's JSON escapes are kept", async () => {
    const event = (text: string) =>
      `data: {"choices": [{"index": 0, "delta": {"content": "${text}"}, "finish_reason": null}]}\n\n`;
    expect(await joined(event("\\u00fc") + event("\\/"))).toBe(event(String.raw`\u00fc\u0000\/`));
  });

  test("reasoning is not merged with text", async () => {
    const thoughts = [chunk({ reasoning_content: "h" }), chunk({ reasoning_content: "m" })].map((data) => ({ data }));
    expect((await joined(written([...thoughts, ...textEvents("a", "b")]))).match(/\\u0000/g)).toHaveLength(2);
  });
});

/** Events that must not be merged with an equal one. */
const apart: [what: string, data: Json | string][] = [
  ["a text beside reasoning", chunk({ content: "a", reasoning: "b" })],
  ["no text beside reasoning and its details", chunk({ content: "", reasoning: "b", reasoning_details: [{ text: "b" }] })],
  ["a call", chunk({ content: "a", ...call("1", "{}") })],
  ["a refusal", chunk({ content: "a", refusal: "b" })],
  ["tokens", chunk({ content: "a" }, { usage })],
  ["tokens in Groq's field", chunk({ content: "a" }, { x_groq: { usage } })],
  ["an end", chunk({ content: "a" }, { finish_reason: "length" })],
  ["an error", { error: { message: "no" }, choices: [{ delta: { content: "a" } }] }],
  ["two choices", { choices: ["a", "b"].map((content, index) => ({ index, delta: { content } })) }],
  ["text in parts", chunk({ content: [{ type: "text", text: "a" }] })],
  ["text that is elsewhere", { provider: { content: "a" }, choices: [{ index: 0, delta: { content: "a" } }] }],
  ["more than a piece", chunk({ content: "a".repeat(10_000) })],
];

test.each(apart)("%s is not merged", async (_what, data) => {
  const events = written([{ data }, { data }]);
  expect(await joined(events)).toBe(events);
});

test("a named event, and one after a broken event, are not merged", async () => {
  const named: Event = { data: chunk({ content: "a" }), name: "error" };
  const broken = written(textEvents("a")).replace('"a"', '"\\x"');
  const events = written([...textEvents("a"), named, named]);
  expect(await joined(events + broken + written(textEvents("b")))).toBe(events + written(textEvents("b")));
});

test("an event of several lines, and one above the size limit, are not merged", async () => {
  const pretty = JSON.stringify(chunk({ content: "", tool_calls: [{ index: 0, function: {} }] }), null, 1);
  const lines = pretty.split("\n").map((line) => `data: ${line}\n`);
  const events = `${lines.join("")}\n${written(textEvents("a", "b".repeat(9_000)))}${written(textEvents("c".repeat(9_000)))}`;
  expect(await joined(events)).toBe(events);
});

describe("an unchanged reply", () => {
  const eventStream = { "content-type": "text/event-stream" };
  const requestBodies = [
    JSON.stringify({ model: "m", messages: [{ role: "user", content: '"stream":true' }] }),
    streaming.body,
  ];

  test.each([
    ["an error reply", new Response("no", { status: 429, headers: eventStream }), requestBodies[1]],
    ["a reply without a body", new Response(null, { status: 204, headers: eventStream }), requestBodies[1]],
    ["a reply that is no JSON", new Response("{", { headers: eventStream }), requestBodies[0]],
  ])("%s is unchanged", async (_what, response, body) => {
    const reply = await wrapped(async () => response.clone())(url, { method: "POST", body: body! });
    expect([reply.status, await reply.text()]).toEqual([response.status, await response.text()]);
  });
});

const anyText = fc.oneof(
  fc.constantFrom("a", " the", "\n", '"', "\\", "}", "data: ", "é", "世", "👋", "\u2028", "[DONE]"),
  fc.string({ unit: "grapheme", maxLength: 6 }).map((text) => text.replaceAll("\0", "")),
);
const anyEvent = fc.oneof(
  { weight: 6, arbitrary: anyText.map((content): Event => ({ data: chunk({ role: "assistant", content }) })) },
  { weight: 3, arbitrary: anyText.map((reasoning_content): Event => ({ data: chunk({ reasoning_content }) })) },
  { weight: 2, arbitrary: anyText.map((content): Event => ({ data: chunk({ content, tool_calls: [] }) })) },
  { weight: 1, arbitrary: anyText.map((text): Event => ({ data: chunk({ content: text, reasoning: text }) })) },
  { weight: 1, arbitrary: fc.constant<Event>({ data: chunk({ content: "" }, { usage }) }) },
);

/** An answer in events, with its bytes cut anywhere. */
const anyAnswer = fc
  .record({
    events: fc.array(anyEvent, { maxLength: 24 }),
    end: fc.constantFrom("\n", "\r\n"),
    calls: fc.boolean(),
    cuts: fc.array(fc.nat(), { maxLength: 12 }),
  })
  .map(({ events, end, calls, cuts }) => {
    const called = calls ? [{ data: chunk(call("1", '{"city":"Zürich"}')) }] : [];
    const bytes = new TextEncoder().encode(written([...events, ...called, ...ending.map((data) => ({ data }))], end));
    const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
    return places.slice(1).map((place, index) => bytes.slice(places[index], place));
  });

/** Parts with nothing that differs between two calls, in as many pieces as they were sent. */
function splitParts(parts: readonly LanguageModelV4StreamPart[]): object[] {
  const ids: string[] = [];
  return parts.flatMap((part): object[] => {
    if (part.type === "response-metadata") return [];
    if (!("id" in part)) return [part];
    if (!ids.includes(part.id)) ids.push(part.id);
    const named = { ...part, id: ids.indexOf(part.id) };
    return "delta" in part ? splitDeltas(part.delta).map((delta) => ({ ...named, delta })) : [named];
  });
}

describe.each(openAiProviders)("%s", (provider) => {
  const settings = { apiKey: providerKey(`of-joining-${provider}`), baseUrl: "https://vendor.example/v1" };

  test("the merged stream has the same content at every cut of its bytes", async () => {
    await fc.assert(
      fc.asyncProperty(anyAnswer, async (pieces) => {
        const fetch = answering(...pieces);
        const [separate, together] = await Promise.all(
          [false, true].map(async (joins) => {
            const model = await openLanguageModel(`${provider}/m`, { ...settings, fetch, coalesceDeltas: joins });
            return splitParts(await partsOf(model));
          }),
        );
        expect(together).toEqual(separate);
      }),
      { numRuns: 40 },
    );
  });

  test("deltas that arrive together are read as one part", async () => {
    const texts = Array.from({ length: 50 }, (_, n) => `word${n} `);
    const fetch = answering(written([...textEvents(...texts), ...ending.map((data) => ({ data }))]));
    const model = await openLanguageModel(`${provider}/m`, { ...settings, fetch, coalesceDeltas: true });
    const deltas = (await collect((await model.doStream({ prompt: [] })).stream)).filter(({ type }) => type === "text-delta");
    expect(deltas).toHaveLength(1);
    expect(deltas.flatMap((part) => ("delta" in part ? splitDeltas(part.delta) : []))).toEqual(texts);
  });
});
