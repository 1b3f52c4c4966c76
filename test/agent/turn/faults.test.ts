import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TurnDeps } from "../../../src/agent/turn/run-turn.ts";
import { gatewayModel } from "../../../src/models/gateway/gateway.ts";
import { languageCandidate } from "../../../src/models/providers/registry.ts";
import { finish, textParts } from "../../models/support/scripted-model.ts";
import { providerKey } from "../../support/canary.ts";
import { openaiChat } from "../../support/vendors/openai-chat.ts";
import { scriptedText, vendorWords, type Json, type Protocol, type SseEvent } from "../../support/vendors/script.ts";
import { startVendor, type FakeVendor, type Fault } from "../../support/vendors/server.ts";
import { fakedVendor } from "../../support/vendors/vendors.ts";
import {
  assistantMessage,
  turnInput,
  userMessage,
  toolCall,
  modelOf,
  settingsWith,
  streamOf,
  runTestTurn,
  tool,
  textDelta,
} from "../support/settings.ts";

const apiKey = providerKey("of-the-turns");
const patience = { firstTokenMs: 2_000, silenceMs: 2_000, callMs: 5_000 };

/** The model of a fake vendor, behind the gateway. */
const at =
  (
    provider: "openai" | "anthropic" | "custom",
    modelId: string,
    { baseUrl }: Pick<FakeVendor, "baseUrl">,
  ): NonNullable<TurnDeps["model"]> =>
  (options) =>
    gatewayModel([languageCandidate(`${provider}/${modelId}`, { apiKey, baseUrl, coalesceDeltas: true })], {
      ...options,
      pauseMs: 1,
    });

describe.each(["openai", "anthropic", "custom"] as const)("a turn with a model of %s", (name) => {
  const { protocol, model } = fakedVendor(name);
  let vendor: FakeVendor;

  beforeAll(async () => {
    vendor = await startVendor(protocol, apiKey);
  });
  afterAll(() => vendor.close());

  const faulty = (faults: Fault[], deps: Partial<TurnDeps> = {}) => {
    vendor.failNext(...faults);
    return runTestTurn("How is Zürich?", { model: at(name, model, vendor), timeouts: patience, ...deps });
  };

  test.each([
    ["a rejected key", [{ status: 401 }], "provider_key_rejected", false],
    ["too many requests", [{ status: 429 }, { status: 429 }], "provider_rate_limited", true],
    ["an overloaded provider", [{ status: 529 }, { status: 529 }], "provider_unavailable", true],
    ["malformed replies", ["garbage", "garbage"], "provider_unavailable", true],
  ] as const)("the turn fails without any text on %s", async (_what, faults, code, retryable) => {
    const { result, events } = await faulty([...faults]);
    expect(events).toEqual([]);
    expect(result).toMatchObject({
      outcome: "failed",
      failure: { code, retryable },
      model: null,
      calls: [{ record: { outcome: "failed", error_code: code }, is_key_rejected: code === "provider_key_rejected" }],
    });
    expect(JSON.stringify(result)).not.toContain(vendorWords);
    expect(JSON.stringify(result)).not.toContain(apiKey);
  });

  test("the turn fails if the provider never starts to stream", async () => {
    const { result, events } = await faulty(["hang"], { timeouts: { ...patience, firstTokenMs: 80 } });
    expect([events, result.failure?.code, result.calls.length]).toEqual([[], "provider_timed_out", 1]);
  });

  test.each([
    ["stalls", "hang-midway", "provider_timed_out"],
    ["closes the connection", "cut", "provider_unavailable"],
    ["ends without a finish event", "unfinished", "provider_unavailable"],
  ] as const)("the turn keeps its partial text if the provider %s in the middle", async (_what, fault, code) => {
    const { result, text } = await faulty([fault], { timeouts: { ...patience, silenceMs: 500 } });
    expect(text).not.toBe("");
    expect(scriptedText.startsWith(text)).toBe(true);
    expect(result).toMatchObject({
      outcome: "failed",
      failure: { code, retryable: true },
      model: `${name}/${model}`,
      calls: [{ record: { outcome: "failed", error_code: code, is_estimated: true } }],
    });
  });

  // Of OpenAI's older protocol, half of the events are a whole call: see below.
  test.each(name === "custom" ? [] : ["is truncated"])("the turn fails and runs no tool if the tool call %s", async () => {
    const never = tool({ run: () => expect.unreachable("it ran") });
    const { result, uses } = await faulty(["unfinished"], { tools: [never] });
    expect(result).toMatchObject({ outcome: "failed", failure: { code: "provider_unavailable", retryable: true } });
    expect(uses).toEqual([]);
  });

  test("a failed turn can be run again completely, also with a tool", async () => {
    const failed = assistantMessage(2, "Half an ans", { status: "failed" });
    vendor.failNext();
    const { result, text } = await runTestTurn(turnInput("How is Zürich?", failed, userMessage(3, "Again?")), {
      model: at(name, model, vendor),
      timeouts: patience,
      tools: [tool()],
    });
    expect(text).toBe(scriptedText);
    expect(result).toMatchObject({ outcome: "complete", calls: [{}, {}], tool_runs: [{ tool_id: 70 }] });
    expect(JSON.stringify(vendor.requests.at(-1)!.body)).not.toContain("Half an ans");
    expect(JSON.stringify(vendor.requests.at(-1)!.body)).toContain(String.raw`about {\\\"city\\\":\\\"Zürich\\\"}`);
  });
});

describe("a turn whose answer ends too early", () => {
  const base = openaiChat("/v1", {});
  let choices: Json[] = [];
  let vendor: FakeVendor;
  const protocol: Protocol = {
    ...base,
    reply: (path) =>
      path === "/chat/completions"
        ? [
            ...choices.map((choice): SseEvent => ({ data: { id: "1", model: "m", created: 1, choices: [choice] } })),
            { data: "[DONE]" },
          ]
        : undefined,
  };

  beforeAll(async () => {
    vendor = await startVendor(protocol, apiKey);
  });
  afterAll(() => vendor.close());

  const answered = (...deltas: [Json, string | null][]) => {
    choices = deltas.map(([delta, finish_reason]) => ({ index: 0, delta, finish_reason }));
    const never = tool({ run: () => expect.unreachable("it ran") });
    return runTestTurn("How is Zürich?", { model: at("custom", "m", vendor), timeouts: patience, tools: [never] });
  };
  const halfCall = {
    tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "look_up", arguments: '{"city":"Zü' } }],
  };

  test("a content filter fails the turn, and the text so far is kept", async () => {
    const { result, text } = await answered([{ content: "Take a" }, null], [{}, "content_filter"]);
    expect(text).toBe("Take a");
    expect(result).toMatchObject({
      outcome: "failed",
      failure: { code: "content_filtered", retryable: false },
      calls: [{ record: { outcome: "complete" } }],
    });
  });

  test("reaching max_tokens inside a tool call fails the turn", async () => {
    const { result, uses } = await answered([halfCall, null], [{}, "length"]);
    expect(result).toMatchObject({ outcome: "failed", failure: { code: "provider_refused", retryable: false } });
    expect(result.failure!.detail).toContain("max_tokens");
    expect(uses).toEqual([]);
  });

  test("a stream that ends inside a tool call fails the turn", async () => {
    const { result, uses } = await answered([halfCall, null]);
    expect(result).toMatchObject({ outcome: "failed", failure: { code: "provider_unavailable", retryable: true } });
    expect(uses).toEqual([]);
  });

  test("an empty answer fails the turn", async () => {
    const { result } = await answered([{ content: " \n" }, null], [{}, "stop"]);
    expect(result).toMatchObject({ outcome: "failed", failure: { code: "provider_refused" } });
  });
});

describe("a stopped turn", () => {
  test.each(["during an answer", "before its reply"])("stopping closes the connection to the provider %s", async (when) => {
    const isBegun = when !== "before its reply";
    const stop = new AbortController();
    const hungUp = Promise.withResolvers<void>();
    const choice = { index: 0, delta: { content: "Half an" }, finish_reason: null };
    const server = createServer((_request, response) => {
      response.on("close", hungUp.resolve);
      if (!isBegun) return stop.abort();
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`data: ${JSON.stringify({ id: "1", model: "m", created: 1, choices: [choice] })}\n\n`);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const onEvent = () => stop.abort();
    const { result, text } = await runTestTurn("Hello?", {
      model: at("custom", "m", { baseUrl }),
      signal: stop.signal,
      onEvent,
    });
    await hungUp.promise;
    server.close();
    expect([result.outcome, text]).toEqual(["stopped", isBegun ? "Half an" : ""]);
    expect(result.calls).toMatchObject([{ record: { outcome: "stopped", output_tokens: isBegun ? 2 : 0 } }]);
  });
});

describe("a turn that cannot run", () => {
  test("a tool call that starts and never completes fails the turn", async () => {
    const begun = { type: "tool-input-start", id: "c1", toolName: "look_up" } as const;
    const { result } = await runTestTurn("Go.", { model: modelOf(streamOf([begun])).model, tools: [tool()] });
    expect(result).toMatchObject({ outcome: "failed", failure: { code: "provider_unavailable" } });
  });

  test("a model that calls tools although it received none fails the turn", async () => {
    const { result, uses } = await runTestTurn("Go.", { model: modelOf(streamOf([toolCall("look_up")], "tool-calls")).model });
    expect(result).toMatchObject({ outcome: "failed", failure: { code: "provider_refused" } });
    expect(uses).toEqual([]);
  });

  test("a minion without a usable model fails the turn", async () => {
    const { result } = await runTestTurn("Go.", { settings: settingsWith({ modelCandidates: [] }) });
    expect(result).toMatchObject({ outcome: "failed", failure: { code: "not_found", retryable: false }, calls: [] });
  });

  test("an unexpected exception fails the turn without throwing, and its message is not exposed", async () => {
    const onEvent = () => {
      throw new Error("secret");
    };
    const { result } = await runTestTurn("Go.", { model: modelOf(textParts("Hello")).model, onEvent });
    expect(result).toMatchObject({
      outcome: "failed",
      failure: { code: "internal" },
      calls: [{ record: { outcome: "stopped" } }],
    });
    expect(JSON.stringify(result.failure)).not.toContain("secret");
    const { result: whole } = await runTestTurn("Go.", { model: modelOf(streamOf([textDelta("Hello")]).concat(finish)).model });
    expect(whole.outcome).toBe("complete");
  });
});
