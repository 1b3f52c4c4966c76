import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { grantAccess } from "../../src/billing/access.ts";
import { grantPointsRows } from "../../src/billing/points.ts";
import { commit } from "../../src/kit/db/commit.ts";
import { databaseFailure } from "../../src/kit/db/errors.ts";
import { openConcurrentPostgres, type ConcurrentPostgres } from "../support/concurrent-postgres.ts";

/** Money under 50 connections of a real PostgreSQL. */

let postgres: ConcurrentPostgres;

beforeAll(async () => {
  postgres = await openConcurrentPostgres(50);
});

afterAll(() => postgres.close());

let made = 0;

async function makeUser(): Promise<number> {
  made += 1;
  const [user] = await postgres.sql("insert into users (email, name) values ($1, 'storm') returning id", [
    `storm${made}@example.com`,
  ]);
  return Number(user!["id"]);
}

/** Moves points, and tells how it ended. */
async function move(userId: number, points: number, reference: string): Promise<string> {
  try {
    const kind = points > 0 ? "earned" : "spent";
    await commit(postgres.ctx, [grantPointsRows(postgres.ctx, { userId, kind, points, reason: "storm", reference })]);
    return "moved";
  } catch (error) {
    return databaseFailure(error, postgres.ctx.constraintErrors)?.code ?? String(error);
  }
}

async function booksOf(userId: number) {
  const [books] = await postgres.sql(
    `select (select total_points from user_points where user_id = $1) as balance, sum(points)::int as ledger,
       count(*) filter (where points > 0)::int as credits, count(*) filter (where points < 0)::int as debits
     from points_transactions where user_id = $1`,
    [userId],
  );
  return books as { balance: number; ledger: number; credits: number; debits: number };
}

describe("points", () => {
  test.each([1, 2, 3, 4])(
    "concurrent credits, debits and duplicates keep the balance equal to the ledger (round %i)",
    async (round) => {
      const userId = await makeUser();
      // In odd rounds there is no balance yet, and all race for its first row.
      if (round % 2 === 0) await move(userId, 50, "joining");
      const outcomes = await Promise.all(
        Array.from({ length: 60 }, (_, i) => [
          move(userId, 50, "joining"),
          move(userId, 10, `twin${i % 6}`),
          move(userId, -7, `spend${i}`),
          move(userId, 1, `one${i}`),
          move(userId, -7, `spend${i}`),
        ]).flat(),
      );
      for (const outcome of outcomes) expect(["moved", "insufficient_points"]).toContain(outcome);
      const { balance, ledger, credits, debits } = await booksOf(userId);
      expect(credits).toBe(1 + 6 + 60);
      expect(balance).toBe(50 + 6 * 10 + 60 - 7 * debits);
      expect(balance).toBe(ledger);
      expect(balance).toBeGreaterThanOrEqual(0);
    },
  );

  test("of 50 concurrent debits with a balance for three, exactly three succeed", async () => {
    const userId = await makeUser();
    await move(userId, 21, "joining");
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, i) => move(userId, -7, `debit${i}`)));
    expect(outcomes.filter((outcome) => outcome === "moved")).toHaveLength(3);
    expect(outcomes.filter((outcome) => outcome === "insufficient_points")).toHaveLength(47);
    expect((await booksOf(userId)).balance).toBe(0);
  });
});

test("50 concurrent grants of three plans create each spirit once per plan", async () => {
  const userId = await makeUser();
  await Promise.all(
    Array.from({ length: 50 }, (_, i) => grantAccess(postgres.ctx, userId, { plan_id: 4 - (i % 3), reason: "storm" })),
  );
  const [granted] = await postgres.sql("select count(*)::int as n from user_spirit_access where user_id = $1", [userId]);
  expect(granted!["n"]).toBe(18 + 10 + 7);
});
