import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { grantByAdmin, grantExperience, recordToolRun, type Grant } from "../../../src/minions/progression/experience.ts";
import { putLoadout } from "../../../src/minions/spirits/service.ts";
import { pointsFor } from "../../../src/minions/progression/rules.ts";
import { newUser } from "../../billing/support/billing.ts";
import { openConcurrentPostgres, type ConcurrentPostgres } from "../../support/concurrent-postgres.ts";
import { seededRandom } from "../../support/random.ts";
import { insertMinion, outcomeOf, spirits, tally } from "../support/minions.ts";

/** Experience under 50 connections of a real PostgreSQL. */

let postgres: ConcurrentPostgres;
let user: number;
let id: number;

beforeAll(async () => {
  postgres = await openConcurrentPostgres(50);
});

beforeEach(async () => {
  user = await newUser(postgres);
  id = await insertMinion(postgres, user);
});

afterAll(() => postgres.close());

type Given = { kind: Grant["kind"]; amount: number; source: string; minionId?: number };

const give = ({ kind, amount, source, minionId = id }: Given) =>
  grantExperience(postgres.ctx, {
    minionId,
    kind,
    amount,
    reason: "storm",
    source: { type: "storm", id: `${user}:${source}` },
  });

async function row<T>(text: string, values: unknown[]): Promise<T> {
  return (await postgres.sql(text, values))[0] as T;
}

/** What a minion has, by its own row and by its events. */
const gained = (minionId = id) =>
  row<{ training: number; usage: number; by_events: number; usage_by_events: number; events: number }>(
    `select total_training_xp as training, total_usage_xp as usage, count(e.id)::int as events,
       coalesce(sum(e.xp), 0)::int as by_events, coalesce(sum(e.xp) filter (where e.kind = 'usage'), 0)::int as usage_by_events
     from spirit_minions m left join xp_events e on e.minion_id = m.id where m.id = $1 group by m.id`,
    [minionId],
  );

/** The user's points, by the balance and by the ledger. */
const books = () =>
  row<{ balance: number; ledger: number; movements: number }>(
    `select coalesce((select total_points from user_points where user_id = $1), 0) as balance,
       coalesce(sum(points), 0)::int as ledger, count(*)::int as movements
     from points_transactions where user_id = $1`,
    [user],
  );

test("20 duplicates of a grant count once, for the minion, the points and the notifications", async () => {
  const twins = Array.from({ length: 20 }, () => outcomeOf(give({ kind: "training", amount: 1_877, source: "job-1" })));
  expect(tally(await Promise.all(twins))).toEqual({ done: 20 });
  expect(await gained()).toMatchObject({ training: 1_877, usage: 0, by_events: 1_877, events: 1 });
  const points = pointsFor(0, 1_877);
  expect(await books()).toEqual({ balance: points, ledger: points, movements: 7 });
  const notifications = await postgres.sql("select kind, title from notifications where user_id = $1", [user]);
  expect(notifications).toEqual([{ kind: "rank_up", title: expect.stringMatching(/reached level 7$/) }]);
});

describe("usage experience", () => {
  test("it is at most 500 a day, exactly, with 200 concurrent grants", async () => {
    const random = seededRandom(3);
    const amounts = Array.from({ length: 200 }, () => [3, 5, 10, 25][Math.floor(random() * 4)]!);
    const other = await insertMinion(postgres, user);
    const grants = amounts.map((amount, n) =>
      outcomeOf(give({ kind: "usage", amount, source: `turn-${n}`, minionId: n % 4 ? id : other })),
    );
    expect(tally(await Promise.all(grants))).toEqual({ done: 200 });
    for (const [minionId, events] of [
      [id, 150],
      [other, 50],
    ] as const) {
      const most = amounts.filter((_, n) => Boolean(n % 4) === (minionId === id)).reduce((sum, amount) => sum + amount, 0);
      const usage = Math.min(500, most);
      expect(await gained(minionId)).toEqual({ training: 0, usage, by_events: usage, usage_by_events: usage, events });
    }
    expect((await gained()).usage).toBe(500);
  });

  test("it has a new limit the next day and does not limit training", async () => {
    await give({ kind: "usage", amount: 700, source: "one" });
    await give({ kind: "training", amount: 400, source: "two" });
    await postgres.sql("update xp_events set day = day - 1 where minion_id = $1", [id]);
    await give({ kind: "usage", amount: 499, source: "three" });
    await give({ kind: "usage", amount: 5, source: "four" });
    await give({ kind: "usage", amount: 5, source: "five" });
    expect(await gained()).toEqual({ training: 400, usage: 1_000, by_events: 1_400, usage_by_events: 1_000, events: 5 });
  });
});

test("any interleaving of grants sums to the same experience and the same points", async () => {
  const grant = fc.record({
    kind: fc.constantFrom("training", "usage", "admin"),
    amount: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 60_000 })),
    source: fc.nat(30).map(String),
    second: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(grant, { minLength: 1, maxLength: 30 }), async (grants) => {
      user = await newUser(postgres);
      const minionIds = [await insertMinion(postgres, user), await insertMinion(postgres, user)] as const;
      const distinct = Array.from(new Map(grants.map((each) => [each.source, each])).values());
      const twins = grants.map(({ source }) => distinct.find((each) => each.source === source)!);
      await Promise.all(twins.map(({ second, ...given }) => give({ ...given, minionId: minionIds[second ? 1 : 0] })));
      let points = 0;
      for (const [index, minionId] of minionIds.entries()) {
        const its = distinct.filter(({ second }) => second === (index === 1));
        const sum = (isUsage: boolean) =>
          its.filter(({ kind }) => (kind === "usage") === isUsage).reduce((total, { amount }) => total + amount, 0);
        const usage = Math.min(500, sum(true));
        const total = sum(false) + usage;
        expect(await gained(minionId)).toEqual({
          training: sum(false),
          usage,
          by_events: total,
          usage_by_events: usage,
          events: its.length,
        });
        points += pointsFor(0, total);
      }
      expect(await books()).toMatchObject({ balance: points, ledger: points });
    }),
    { numRuns: 25, seed: 11 },
  );
});

test("concurrent grants by an administrator and the system reward each level and rank once", async () => {
  const grants = Array.from({ length: 30 }, (_, n) =>
    outcomeOf(
      n % 3 === 0
        ? grantByAdmin(postgres.ctx, id, { amount: 900, reason: "storm" })
        : give({ kind: "training", amount: 450, source: String(n >> 1) }),
    ),
  );
  expect(tally(await Promise.all(grants))).toEqual({ done: 30 });
  const { training, by_events } = await gained();
  expect(training).toBe(by_events);
  const points = pointsFor(0, training);
  expect(await books()).toMatchObject({ balance: points, ledger: points });
  const paid = await postgres.sql(
    "select reference from points_transactions where user_id = $1 and reference like 'level:%' order by id",
    [user],
  );
  expect(paid.map(({ reference }) => reference)).toEqual(paid.map((_, index) => `level:${id}:${index + 2}`));
});

test("repeated tool runs with changing loadouts count once for minion, spirit and tool", async () => {
  const tools = await postgres.sql(
    "select spirit_id, tool_id from spirit_tools where spirit_id = any($1) and position <= 2 order by spirit_id, position",
    [[spirits.writer, spirits.analyst]],
  );
  await putLoadout(postgres.ctx, user, id, [spirits.writer, spirits.analyst]);
  const run = (n: number) => {
    const { spirit_id, tool_id } = tools[n % 4]!;
    return recordToolRun(postgres.ctx, {
      minionId: id,
      spiritId: Number(spirit_id),
      toolId: Number(tool_id),
      run: `${user}:${n}`,
    });
  };
  const outcomes = await Promise.all([
    ...Array.from({ length: 180 }, (_, n) => outcomeOf(run(n % 60))),
    ...Array.from({ length: 10 }, (_, n) =>
      outcomeOf(putLoadout(postgres.ctx, user, id, n % 2 ? [spirits.writer] : [spirits.builder])),
    ),
  ]);
  expect(tally(outcomes)).toEqual({ done: 190 });
  expect(await gained()).toEqual({ training: 0, usage: 500, by_events: 500, usage_by_events: 500, events: 60 });
  const mastery = await postgres.sql("select uses from spirit_mastery where minion_id = $1", [id]);
  expect(mastery).toEqual(tools.map(() => ({ uses: 15 })));
  const experience = await postgres.sql(
    "select experience from minion_spirits where minion_id = $1 order by spirit_id limit 2",
    [id],
  );
  expect(experience).toEqual([{ experience: 300 }, { experience: 300 }]);
});
