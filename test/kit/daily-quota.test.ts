import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { beforeEach, expect, test } from "vitest";
import { DailyQuota, endOfDay, type QuotaRequest } from "../../src/kit/daily-quota.ts";

const noon = Date.UTC(2026, 10, 25, 12);
const midnight = Date.UTC(2026, 10, 26);
const floor = { turns: 2, tokens: 100 };

let database: DatabaseSync;
let budget: DailyQuota;

beforeEach(() => {
  database = new DatabaseSync(":memory:");
  const exec = (query: string, ...values: SQLInputValue[]) => {
    const rows = database.prepare(query).all(...values);
    return { toArray: () => rows };
  };
  budget = new DailyQuota({ exec } as unknown as SqlStorage);
});

const take = (id: string, given: Partial<QuotaRequest> = {}, now = noon) =>
  budget.take({ id, amount: { turns: 1, tokens: 40 }, floor, ...given }, now);

test("a day ends at 00:00 UTC, when the next begins", () => {
  expect(endOfDay(noon)).toBe(midnight);
  expect(endOfDay(midnight - 1)).toBe(midnight);
  expect(endOfDay(midnight)).toBe(midnight + 86_400_000);
});

test("a reserved amount counts until it is settled, and a second settlement changes nothing", () => {
  expect(take("a")).toEqual({ exhausted: null, limits: floor, used: { turns: 1, tokens: 40 } });
  budget.settle("a", { turns: 1, tokens: 7 }, noon);
  expect(budget.used(noon)).toEqual({ turns: 1, tokens: 7 });
  budget.settle("a", { turns: 0, tokens: 0 }, noon);
  budget.settle("unknown", { turns: 9, tokens: 9 }, noon);
  expect(budget.used(noon)).toEqual({ turns: 1, tokens: 7 });
});

test("a request that arrives twice is granted once", () => {
  take("a");
  expect(take("a")).toMatchObject({ exhausted: null, used: { turns: 1, tokens: 40 } });
});

test("a request above the limit is refused, names the exhausted unit, and reserves nothing", () => {
  expect(take("a", { amount: { turns: 1, tokens: 101 } })).toMatchObject({
    exhausted: "tokens",
    used: { turns: 0, tokens: 0 },
  });
  expect(budget.endsAt()).toBeUndefined();
  take("b", { amount: { turns: 1, tokens: 100 } });
  expect(take("c", { amount: { turns: 1, tokens: 1 } })).toMatchObject({ exhausted: "tokens" });
  expect(take("d", { amount: { turns: 2, tokens: 0 } })).toMatchObject({ exhausted: "turns" });
  expect(take("e", { amount: { turns: 1, tokens: 0 } })).toMatchObject({ exhausted: null, used: { turns: 2, tokens: 100 } });
});

test("limits are cached while they are valid", () => {
  const limits = { turns: 9, tokens: 900, until: noon + 1_000 };
  take("a", { limits });
  expect(take("b")).toMatchObject({ exhausted: null, limits: { turns: 9, tokens: 900 } });
  expect(take("c")).toMatchObject({ exhausted: null, used: { turns: 3, tokens: 120 } });
  expect(take("d", {}, noon + 1_000)).toMatchObject({ exhausted: "turns", limits: floor });
});

test("a new day starts without usage", () => {
  take("a", { limits: { turns: 9, tokens: 900, until: midnight } });
  expect(budget.endsAt()).toBe(midnight);
  budget.prune(midnight - 1);
  expect(budget.used(midnight - 1)).toEqual({ turns: 1, tokens: 40 });
  expect(budget.used(midnight)).toEqual({});
  take("b", {}, midnight);
  budget.settle("a", { turns: 0, tokens: 0 }, midnight);
  expect(budget.used(midnight)).toEqual({ turns: 1, tokens: 40 });
});

test("outdated rows are deleted", () => {
  budget.prune(noon);
  take("a");
  budget.prune(midnight);
  expect(budget.endsAt()).toBeUndefined();
  expect(database.prepare("select count(*) as rows from day_budget").get()).toEqual({ rows: 0 });
});
