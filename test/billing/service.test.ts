import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { planLimit, currentPlan } from "../../src/billing/service.ts";
import { newUser, openBilling, subscribe, system, type Billing } from "./support/billing.ts";

let billing: Billing;
let user: number;

beforeAll(async () => {
  billing = await openBilling();
});
beforeEach(async () => {
  user = await newUser(billing.database);
});
afterAll(() => billing.close());

const plan = () => currentPlan(billing.as(system), user);

async function figure(name: Parameters<typeof planLimit>[1]): Promise<unknown> {
  const { rows } = await billing.as(system).db.execute(sql`select ${planLimit(user, name)} as figure`);
  return rows[0]!["figure"];
}

describe("the plan of a user", () => {
  test("it is the Free Plan without a subscription, in one round trip", async () => {
    const before = billing.roundTrips();
    expect(await plan()).toEqual({
      plan_id: 1,
      name: "Free Plan",
      discount_percent: 0,
      monthly_points: 0,
      max_minions: 2,
      max_spirits_per_minion: 3,
      until: null,
    });
    expect(billing.roundTrips()).toBe(before + 1);
  });

  test("it is the plan of the running subscription until its period ends", async () => {
    await subscribe(billing.database, user, { plan: 3, days: 5 });
    const { until, ...held } = await plan();
    expect(held).toMatchObject({ plan_id: 3, discount_percent: 35, max_minions: 10, max_spirits_per_minion: 5 });
    expect(until!.getTime() - Date.now()).toBeGreaterThan(4.9 * 86_400_000);
    expect(until!.getTime() - Date.now()).toBeLessThanOrEqual(5 * 86_400_000);
  });

  test("it is the Free Plan after the subscription was canceled or ended", async () => {
    await subscribe(billing.database, user, { plan: 4, status: "cancelled" });
    await subscribe(billing.database, user, { plan: 3, days: -1 });
    expect(await plan()).toMatchObject({ plan_id: 1, until: null });
  });

  test("it is not found for an unknown user", async () => {
    await expect(currentPlan(billing.as(system), 2_000_000_000)).rejects.toMatchObject({ code: "not_found" });
  });
});

test("a plan limit is an SQL expression, and null for an unknown user", async () => {
  expect([await figure("max_minions"), await figure("max_spirits_per_minion")]).toEqual([2, 3]);
  await subscribe(billing.database, user, { plan: 3 });
  expect([await figure("max_minions"), await figure("max_spirits_per_minion")]).toEqual([10, 5]);
  user = 2_000_000_000;
  expect(await figure("max_minions")).toBeNull();
});
