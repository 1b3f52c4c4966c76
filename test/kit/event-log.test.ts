import { describe, expect, test } from "vitest";
import { eventFields, logEvent, writeEvent, type AnalyticsSink, type EventContext } from "../../src/kit/event-log.ts";
import { ModelUsage } from "../../src/kit/model-usage.ts";
import { RoundTripCounter } from "../../src/kit/server-timing.ts";
import { overhearLog } from "../support/log-lines.ts";

type Point = Parameters<AnalyticsSink["writeDataPoint"]>[0];

function fakeDataset() {
  const points: Point[] = [];
  return { points, ANALYTICS: { writeDataPoint: (point: Point) => void points.push(point) } };
}

const request = { event: "request", outcome: "ok", route: "/api/v2/minions/:id", method: "GET", status: 200, duration_ms: 12 };
const call = { input_tokens: 100, output_tokens: 20, cache_read_tokens: 60, failed_providers: [] };

async function contextWith(modelUsage: ModelUsage): Promise<EventContext> {
  const roundTrips = new RoundTripCounter();
  await roundTrips.time("db", async () => undefined);
  return { env: {}, requestId: "request-1", actor: { kind: "user", userId: 7 }, roundTrips, modelUsage };
}

describe("the line of an event", () => {
  test("a line has its fields in their order, and leaves out what does not apply", () => {
    const lines = overhearLog();
    writeEvent({}, { ...request, error_code: undefined, user_id: 7 });
    expect(Object.entries(lines()[0]!)).toEqual(Object.entries({ level: "info", ...request, user_id: 7 }).toSorted(byField));
  });

  test("a line has the request, the caller, the round trips and the model calls of its context", async () => {
    const lines = overhearLog();
    const usage = new ModelUsage();
    usage.add({
      ...call,
      provider: "openai",
      model_id: "gpt-6-luna",
      cost_micro_usd: 250,
      failed_providers: ["groq", "mistral"],
    });
    usage.add({ ...call, provider: "anthropic", model_id: "claude-9", cost_micro_usd: null });
    logEvent(await contextWith(usage), request);
    expect(lines()).toEqual([
      {
        ...request,
        level: "info",
        request_id: "request-1",
        actor: "user",
        user_id: 7,
        db: 1,
        kv: 0,
        do: 0,
        provider: "anthropic",
        model: "claude-9",
        model_calls: 2,
        input_tokens: 200,
        output_tokens: 40,
        cached_tokens: 120,
        cost_micro_usd: 250,
        failed_attempts: 2,
        failed_provider: "mistral",
      },
    ]);
  });

  test("a line has no cost without a known price, and no model without a call", async () => {
    const lines = overhearLog();
    const usage = new ModelUsage();
    logEvent(await contextWith(usage), request);
    usage.add({ ...call, provider: "custom", model_id: "mine", cost_micro_usd: null });
    logEvent(await contextWith(usage), request);
    expect(lines()[0]).not.toHaveProperty("model");
    expect(lines()[1]).toMatchObject({ model: "mine" });
    expect(lines()[1]).not.toHaveProperty("cost_micro_usd");
  });

  test.each(["my secret model", 'a"quote', "ann@example.com", "sk-live-0123456789", "line\nbreak", "", "x".repeat(129)])(
    "shows other for a model that is called %j",
    (model) => {
      const lines = overhearLog();
      writeEvent({}, { ...request, model });
      expect(lines()[0]).toMatchObject({ model: "other" });
    },
  );

  test.each(["@cf/meta/llama-3.3-70b-instruct-fp8-fast", "claude-sonnet-4-5-20250929", "accounts/f/models/x:1", "gpt-4.1"])(
    "shows the model %s",
    (model) => {
      const lines = overhearLog();
      writeEvent({}, { ...request, model });
      expect(lines()[0]).toMatchObject({ model });
    },
  );

  test("a line leaves out NaN and infinite numbers", () => {
    const lines = overhearLog();
    writeEvent({}, { ...request, input_tokens: NaN, cost_micro_usd: Infinity });
    expect(lines()).toEqual([{ level: "info", ...request }]);
  });

  test.each([
    [{ outcome: "ok" }, "info"],
    [{ outcome: "refused", status: 404 }, "info"],
    [{ outcome: "retried" }, "warn"],
    [{ outcome: "interrupted" }, "warn"],
    [{ outcome: "failed" }, "error"],
    [{ outcome: "failed", status: 503 }, "error"],
  ])("a line of %j has the level %s", (fields, level) => {
    const lines = overhearLog();
    writeEvent({}, { event: "x", ...fields });
    expect(lines()).toMatchObject([{ level }]);
  });
});

describe("a dataset of Analytics Engine", () => {
  test("Analytics Engine gets the same fields: texts as blobs and numbers as doubles, in their order", () => {
    overhearLog();
    const { points, ANALYTICS } = fakeDataset();
    writeEvent({ ANALYTICS }, { ...request, user_id: 7, request_id: "request-1" });
    const [{ indexes, blobs, doubles } = { indexes: [], blobs: [], doubles: [] }] = points;
    const names = Object.entries(eventFields);
    const texts = names.flatMap(([name, { type }]) => (type === "text" ? [name] : []));
    const numbers = names.flatMap(([name, { type }]) => (type === "number" ? [name] : []));
    expect(indexes).toEqual(["user:7"]);
    expect(Object.fromEntries(texts.map((name, index) => [name, blobs[index]]))).toMatchObject({
      event: "request",
      route: "/api/v2/minions/:id",
      request_id: "request-1",
      model: "",
    });
    expect(Object.fromEntries(numbers.map((name, index) => [name, doubles[index]]))).toMatchObject({
      status: 200,
      duration_ms: 12,
      user_id: 7,
      cost_micro_usd: 0,
    });
    expect([texts.length, numbers.length]).toEqual([blobs.length, doubles.length]);
    expect(Math.max(blobs.length, doubles.length)).toBeLessThanOrEqual(20);
  });

  test("a data point without a user is indexed by its route or its name", () => {
    overhearLog();
    const { points, ANALYTICS } = fakeDataset();
    writeEvent({ ANALYTICS }, request);
    writeEvent({ ANALYTICS }, { event: "job", outcome: "ok", name: "send-mail" });
    expect(points.map(({ indexes }) => indexes)).toEqual([["/api/v2/minions/:id"], ["send-mail"]]);
  });

  test("a line is written even if Analytics Engine throws", () => {
    const lines = overhearLog();
    const ANALYTICS = {
      writeDataPoint() {
        throw new Error("The dataset is gone.");
      },
    };
    expect(() => writeEvent({ ANALYTICS }, request)).not.toThrow();
    expect(lines()).toHaveLength(1);
  });
});

const order = ["level", ...Object.keys(eventFields)];
const byField = ([a]: [string, unknown], [b]: [string, unknown]) => order.indexOf(a) - order.indexOf(b);
