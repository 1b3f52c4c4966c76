import { beforeEach, describe, expect, test } from "vitest";
import { clientOf, databaseTrips, faultsIn, type Client } from "../../minions/support/minions.ts";
import { useApi } from "../../support/api.ts";
import { createUser, type Person } from "../../support/users.ts";
import { keysOf } from "../support/connected-provider.ts";

const api = useApi();
let person: Person;
let me: Client;

async function called(given: Record<string, unknown>, owner = person): Promise<void> {
  const row = {
    user_id: owner.id,
    purpose: "chat",
    provider: "openai",
    model_id: "gpt-6-luna",
    outcome: "complete",
    input_tokens: 100,
    output_tokens: 10,
    cache_read_tokens: 40,
    cache_write_tokens: 0,
    is_estimated: false,
    cost_micro_usd: 250,
    latency_ms: 900,
    attempts: "[]",
    created_at: "2026-11-10T12:00:00Z",
    ...given,
  };
  const places = Object.keys(row).map((_, index) => `$${index + 1}`);
  await api.database.sql(
    `insert into model_calls (${Object.keys(row).join(", ")}) values (${places.join(", ")})`,
    Object.values(row),
  );
}

beforeEach(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
  await me.get("/usage");
  await called({ minion_id: 7 });
  await called({ minion_id: 7, created_at: "2026-11-10T23:59:59.999Z" });
  await called({ created_at: "2026-11-11T00:00:00Z", outcome: "failed", error_code: "provider_timed_out" });
  await called({ created_at: "2026-11-12T00:00:00Z", provider: "custom", model_id: "mine", cost_micro_usd: null });
  await called({ input_tokens: 1_000_000 }, await createUser(api));
});

const keysIn = ({ body }: Awaited<ReturnType<Client["get"]>>) =>
  (body.usage as { key: string | null; calls: number }[]).map(({ key, calls }) => [key, calls]);

describe("a usage report", () => {
  test.each([
    [
      "day",
      [
        ["2026-11-10", 2],
        ["2026-11-11", 1],
        ["2026-11-12", 1],
      ],
    ],
    [
      "model",
      [
        ["openai/gpt-6-luna", 3],
        ["custom/mine", 1],
      ],
    ],
    [
      "provider",
      [
        ["openai", 3],
        ["custom", 1],
      ],
    ],
    [
      "minion",
      [
        ["7", 2],
        [null, 2],
      ],
    ],
  ])("a report by %s sums the user's own calls", async (group, expected) => {
    const report = await me.get(`/usage?from=2026-11-01&to=2026-11-30&group_by=${group}`);
    expect(keysIn(report)).toEqual(expected);
    expect(databaseTrips(report)).toBe(1);
    expect(keysOf(report.body)).toEqual(["from", "group_by", "success", "to", "total", "totals", "usage"]);
    expect(report.body.totals).toEqual({
      calls: 4,
      failed_calls: 1,
      input_tokens: 400,
      output_tokens: 40,
      cache_read_tokens: 160,
      cache_write_tokens: 0,
      cost_usd: 0.00075,
      unpriced_calls: 1,
    });
  });

  test("a report includes its whole first and last day in UTC", async () => {
    expect(keysIn(await me.get("/usage?from=2026-11-10&to=2026-11-10"))).toEqual([["2026-11-10", 2]]);
    expect(keysIn(await me.get("/usage?from=2026-11-11&to=2026-11-11"))).toEqual([["2026-11-11", 1]]);
  });

  test("a report covers the last 30 days by default", async () => {
    const { body } = await me.get("/usage?to=2026-11-30");
    expect([body.from, body.to, body.group_by]).toEqual(["2026-11-01", "2026-11-30", "day"]);
  });

  test.each([
    ["from=2026-11-02&to=2026-11-01", "from"],
    ["from=2025-01-01&to=2026-11-01", "from"],
    ["from=soon", "from"],
    ["to=2026-02-30", "to"],
    ["group_by=colour", "group_by"],
  ])("a report for %s is refused at %s", async (query, path) => {
    expect(faultsIn(await me.get(`/usage?${query}`))).toEqual([path]);
  });

  test("a deleted minion stays in the report, and a deleted model is listed by its ID", async () => {
    const [model] = await api.database.sql(
      `insert into external_models (user_id, name, display_name, provider, model_id) values ($1, 'a', 'a', 'custom', 'mine') returning id`,
      [person.id],
    );
    await called({ external_model_id: model!["id"], created_at: "2026-11-13T00:00:00Z" });
    await me.delete(`/external-models/${String(model!["id"])}`);
    expect(keysIn(await me.get("/usage?from=2026-11-13&to=2026-11-13"))).toEqual([["2026-11-13", 1]]);
  });
});

test("calls are kept for 400 days and older ones are deleted at night, however many", async () => {
  const other = await createUser(api);
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
  const { sql } = api.database;
  await sql("delete from model_calls");
  await called({ created_at: daysAgo(400.1) }, other);
  await sql(
    `insert into model_calls (user_id, purpose, provider, model_id, outcome, input_tokens, output_tokens, cache_read_tokens,
       cache_write_tokens, is_estimated, latency_ms, attempts, created_at)
     select user_id, purpose, provider, model_id, outcome, 1, 1, 0, 0, false, 1, attempts, created_at
     from model_calls, generate_series(1, 10001)`,
  );
  const young = daysAgo(399.9);
  await called({ created_at: young });
  expect((await api.worker.scheduled({ cron: "17 3 * * *" })).outcome).toBe("ok");
  const left = await sql("select user_id, created_at from model_calls");
  expect(left).toEqual([{ user_id: person.id, created_at: new Date(young) }]);
});
