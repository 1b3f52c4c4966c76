import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { users } from "../../src/auth/tables.ts";
import { onUserCreated, subscriptionStatus } from "../../src/billing/hooks.ts";
import { grantPointsRows, type PointsMovement } from "../../src/billing/points.ts";
import { commit } from "../../src/kit/db/commit.ts";
import { databaseFailure } from "../../src/kit/db/errors.ts";
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

let references = 0;

/** Moves points, and tells what was refused. */
async function move(points: number, rest: Partial<PointsMovement> = {}): Promise<string | undefined> {
  const ctx = billing.as(system);
  const kind = points > 0 ? "earned" : "spent";
  const row = { userId: user, kind, points, reason: "Test", reference: `test:${++references}`, ...rest } as const;
  try {
    await commit(ctx, [grantPointsRows(ctx, row)]);
    return undefined;
  } catch (error) {
    return databaseFailure(error, ctx.constraintErrors)?.code ?? String(error);
  }
}

async function balance(id = user): Promise<{ total: number | null; sum: number; rows: number }> {
  const [row] = await billing.database.sql(
    `select (select total_points from user_points where user_id = $1) as total, coalesce(sum(points), 0)::int as sum, count(*)::int as rows
     from points_transactions where user_id = $1`,
    [id],
  );
  return row as Awaited<ReturnType<typeof balance>>;
}

describe("points", () => {
  test("a transaction changes the ledger and the balance together", async () => {
    await move(50);
    await move(-20);
    await move(5, { kind: "bonus" });
    await move(-4, { kind: "refund" });
    expect(await balance()).toEqual({ total: 31, sum: 31, rows: 4 });
  });

  test("a transaction counts once per reference, whatever the second one contains", async () => {
    await move(50, { reference: "training:1" });
    expect(await move(50, { reference: "training:1" })).toBeUndefined();
    expect(await move(70, { reference: "training:1", kind: "bonus" })).toBeUndefined();
    expect(await balance()).toEqual({ total: 50, sum: 50, rows: 1 });
  });

  test("a reference counts once for each user", async () => {
    const other = await newUser(billing.database);
    await move(50, { reference: "training:1" });
    await move(50, { reference: "training:1", userId: other });
    expect(await balance(other)).toEqual({ total: 50, sum: 50, rows: 1 });
  });

  test("points can be spent to zero and never below", async () => {
    await move(50);
    expect(await move(-51)).toBe("insufficient_points");
    expect(await balance()).toEqual({ total: 50, sum: 50, rows: 1 });
    expect(await move(-50)).toBeUndefined();
    expect(await move(-1)).toBe("insufficient_points");
    expect(await balance()).toEqual({ total: 0, sum: 0, rows: 2 });
  });

  test("a user without points cannot spend any", async () => {
    expect(await move(-1)).toBe("insufficient_points");
    expect(await balance()).toEqual({ total: null, sum: 0, rows: 0 });
  });

  test("a failed commit rolls back its points", async () => {
    const ctx = billing.as(system);
    const row = { userId: user, kind: "earned", reason: "Test" } as const;
    await expect(
      commit(ctx, [
        grantPointsRows(ctx, { ...row, points: 50, reference: "1" }),
        grantPointsRows(ctx, { ...row, kind: "spent", points: -60, reference: "2" }),
      ]),
    ).rejects.toMatchObject({ constraint: "points_not_negative" });
    expect(await balance()).toEqual({ total: null, sum: 0, rows: 0 });
  });

  test("transactions of one commit see each other", async () => {
    const ctx = billing.as(system);
    const row = { userId: user, kind: "earned", reason: "Test" } as const;
    await commit(ctx, [
      grantPointsRows(ctx, { ...row, points: 50, reference: "1" }),
      grantPointsRows(ctx, { ...row, points: 50, reference: "1" }),
      grantPointsRows(ctx, { ...row, kind: "spent", points: -40, reference: "2" }),
    ]);
    expect(await balance()).toEqual({ total: 10, sum: 10, rows: 2 });
  });

  test("the balance is correct after many concurrent transactions with duplicates", async () => {
    await move(20);
    const twins = Array.from({ length: 20 }, () => move(5, { reference: "twin" }));
    const debits = Array.from({ length: 20 }, () => move(-3));
    const spent = (await Promise.all(debits)).filter((refused) => refused === undefined).length;
    await Promise.all(twins);
    const { total, sum, rows } = await balance();
    expect({ total, rows }).toEqual({ total: 25 - 3 * spent, rows: 2 + spent });
    expect(sum).toBe(total);
    expect(total).toBeLessThan(3);
  });
});

describe("a new user", () => {
  test("a new user receives 50 points once", async () => {
    const ctx = billing.as(system);
    for (let time = 0; time < 2; time++) {
      const [first, ...rest] = onUserCreated(ctx, user);
      await commit(ctx, [first!, ...rest]);
    }
    expect(await balance()).toEqual({ total: 50, sum: 50, rows: 1 });
    expect(await billing.database.sql("select kind, reference from points_transactions where user_id = $1", [user])).toEqual([
      { kind: "bonus", reference: "joining" },
    ]);
  });
});

describe("the status of a subscription", () => {
  const status = async () => {
    const columns = { status: subscriptionStatus(sql`${users.id}`) };
    const [row] = await billing.as(system).db.select(columns).from(users).where(eq(users.id, user));
    return row?.status;
  };

  test("the status is free without a live subscription", async () => {
    expect(await status()).toBe("free");
    await subscribe(billing.database, user, { days: -1 });
    expect(await status()).toBe("free");
  });

  test("the status is that of a live subscription", async () => {
    await subscribe(billing.database, user, { status: "past_due" });
    expect(await status()).toBe("past_due");
  });
});
