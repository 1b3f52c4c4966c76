import { describe, expect, test } from "vitest";
import * as z from "zod";
import listed from "../../../src/models/usage/prices.json" with { type: "json" };
import { costOf, Price } from "../../../src/models/usage/cost.ts";
import { noTokens } from "../../../src/models/gateway/usage-record.ts";

const prices = z.array(Price).parse(listed);

const used = (model_id: string, tokens: Partial<typeof noTokens>) => ({
  ...noTokens,
  provider: "openai" as const,
  model_id,
  ...tokens,
});

const base = { provider: "openai", as_of: "2026-01-01", source: "a test" } as const;
const table: Price[] = [
  { ...base, model_id: "plain", input: 2_000_000, output: 10_000_000 },
  { ...base, model_id: "cached", input: 2_000_000, output: 10_000_000, cache_read: 200_000, cache_write: 2_500_000 },
  {
    ...base,
    model_id: "long",
    input: 1_000_000,
    output: 1_000_000,
    long: { above_input_tokens: 1_000, input: 2_000_000, output: 3_000_000 },
  },
  { ...base, model_id: "dated", input: 1_000_000, output: 0 },
  { ...base, model_id: "dated", input: 2_000_000, output: 0, from: "2027-01-01" },
  { ...base, model_id: "dated", input: 3_000_000, output: 0, from: "2028-01-01" },
];

describe("the cost of a call in micro-dollars", () => {
  test("it is the tokens times the prices of the model", () => {
    expect(costOf(table, used("plain", { input_tokens: 1_000, output_tokens: 100 }))).toBe(3_000);
    expect(costOf(table, used("plain", {}))).toBe(0);
  });

  test("it is an integer", () => {
    expect(costOf(table, used("cached", { input_tokens: 1, cache_read_tokens: 1 }))).toBe(0);
    expect(costOf(table, used("cached", { input_tokens: 3, cache_read_tokens: 3 }))).toBe(1);
  });

  test("cached tokens have their own prices, or else the price of the input", () => {
    const tokens = { input_tokens: 1_000, cache_read_tokens: 600, cache_write_tokens: 100, output_tokens: 0 };
    expect(costOf(table, used("cached", tokens))).toBe(300 * 2 + 600 * 0.2 + 100 * 2.5);
    expect(costOf(table, used("plain", tokens))).toBe(2_000);
  });

  test("a long input raises the price of the whole call", () => {
    expect(costOf(table, used("long", { input_tokens: 1_000, output_tokens: 10 }))).toBe(1_010);
    expect(costOf(table, used("long", { input_tokens: 1_001, output_tokens: 10 }))).toBe(2_032);
  });

  test.each([
    ["2026-12-31T23:59:59Z", 1],
    ["2027-01-01T00:00:00Z", 2],
    ["2029-06-01T12:00:00Z", 3],
  ])("it uses the price of the day: %s", (at, dollars) => {
    const tokens = { input_tokens: 1_000_000 };
    expect(costOf(table, used("dated", tokens), new Date(at))).toBe(dollars * 1_000_000);
    expect(costOf(table.toReversed(), used("dated", tokens), new Date(at))).toBe(dollars * 1_000_000);
  });

  test("it is unknown, not zero, without a price", () => {
    expect(costOf(table, used("unheard-of", { input_tokens: 5 }))).toBeNull();
    expect(costOf(table, { ...used("plain", { input_tokens: 5 }), provider: "groq" })).toBeNull();
  });
});

describe("the price list", () => {
  test("each model and day has one price and a source", () => {
    const keys = prices.map(({ provider, model_id, from }) => `${provider}/${model_id} ${from ?? ""}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const { provider, source, as_of } of prices) {
      expect(source).toMatch(provider === "builtin" ? /^it runs/ : /^https:\/\//);
      expect(Date.parse(as_of)).toBeLessThanOrEqual(Date.parse("2026-12-31"));
    }
  });

  test("prices are in micro-dollars per million tokens, between a cent and a hundred dollars", () => {
    for (const { provider, input, output } of prices.filter((price) => price.provider !== "builtin")) {
      expect(input, provider).toBeGreaterThanOrEqual(10_000);
      expect(Math.max(input, output), provider).toBeLessThanOrEqual(100_000_000);
    }
  });
});

test("a cost never exceeds that of the tokens: no more tokens come from the cache than were sent", () => {
  const cached = used("cached", { input_tokens: 10, cache_read_tokens: 10_000_000, cache_write_tokens: 10_000_000 });
  expect(costOf(table, cached)).toBe(2);
  expect(costOf(table, { ...cached, cache_read_tokens: 0 })).toBe(25);
});
