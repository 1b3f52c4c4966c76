import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Ctx } from "../../../src/context.ts";
import { eraseUser } from "../../../src/minions/hooks.ts";
import { readLeaderboard } from "../../../src/minions/progression/leaderboard.ts";
import { newUser } from "../../billing/support/billing.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "../../support/api.ts";
import { createTestContexts, testBindings } from "../../support/in-process-context.ts";
import { insertMinion, memoryFiles, setExperience } from "../support/minions.ts";

/** Boards as time goes by, in this process: the clock is the test's. */

let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let events: ReturnType<typeof createTestContexts>;
let ctx: Ctx;
let user: number;

beforeAll(async () => {
  database = await openTestDatabase();
  bridge = await startStoppableBridge(database);
  vi.useFakeTimers({ toFake: ["Date"] });
});

beforeEach(async () => {
  events = createTestContexts(testBindings(bridge.url, { FILES: memoryFiles().bucket }));
  ctx = events.context("leaderboard");
  user = await newUser(database);
  nextPeriod();
});

afterEach(() => database.sql("delete from users"));

afterAll(async () => {
  vi.useRealTimers();
  await bridge.stopPostgres();
  await database.close();
});

const minutes = (count: number) => vi.setSystemTime(Date.now() + count * 60_000);
const nextPeriod = () => minutes(5);

const insert = async (xp: number, columns: object = {}) => {
  const id = await insertMinion(database, user, { visibility: "public", ...columns });
  await setExperience(database, id, xp);
  return id;
};

const read = (limit = 100, cursor?: string) => readLeaderboard(ctx, { limit, cursor });
const ids = ({ entries }: Awaited<ReturnType<typeof read>>) => entries.map(({ minion_id }) => minion_id);

describe("a leaderboard", () => {
  test("it is ordered by training and usage experience together, then by ID", async () => {
    const [first, second, third] = [await insert(10), await insert(10), await insert(11)];
    await database.sql("update spirit_minions set total_usage_xp = 10, total_training_xp = 0 where id = $1", [second]);
    const board = await read();
    expect(ids(board)).toEqual([third, first, second]);
    expect(board).toMatchObject({ total: 3, entries: [{ place: 1 }, { place: 2, level: 1, rank: "Novice" }, { place: 3 }] });
    expect(board).not.toHaveProperty("next_cursor");
  });

  test("it is cached for five minutes with consistent pages", async () => {
    const all = [await insert(5), await insert(4), await insert(3), await insert(2)];
    const first = await read(2);
    await insert(9);
    await setExperience(database, all[3]!, 8);
    expect(ids(await read())).toEqual(all);
    nextPeriod();
    expect(ids(await read())).toHaveLength(5);
    const second = await read(2, first.next_cursor);
    expect([...ids(first), ...ids(second), second.as_of]).toEqual([...all, first.as_of]);
  });

  test("a new leaderboard leaves out private and deleted minions", async () => {
    const [shown, hidden, gone] = [await insert(1), await insert(2), await insert(3)];
    expect(ids(await read())).toEqual([gone, hidden, shown]);
    await database.sql("update spirit_minions set visibility = 'private' where id = $1", [hidden]);
    await database.sql("update spirit_minions set deleted_at = now() where id = $1", [gone]);
    nextPeriod();
    expect(ids(await read())).toEqual([shown]);
  });

  test("an expired leaderboard makes its cursor invalid", async () => {
    for (let xp = 0; xp < 3; xp++) await insert(xp);
    const { next_cursor } = await read(1);
    await events.settled();
    await ctx.cache.delete(`leaderboard:1:${next_cursor!.split(".")[0]}`);
    // This isolate remembers three.
    for (let period = 0; period < 3; period++) {
      nextPeriod();
      await read();
    }
    await expect(read(1, next_cursor)).rejects.toMatchObject({ code: "validation_failed" });
    await expect(read(1, "1.0")).rejects.toMatchObject({ code: "validation_failed" });
  });

  test("another isolate reads it from KV", async () => {
    const id = await insert(1);
    await read();
    await events.settled();
    // This isolate forgets it behind three that are newer, and is asked for it again: it could make no board of a time gone by.
    const period = Math.floor(Date.now() / 300_000);
    for (let later = 0; later < 3; later++) {
      nextPeriod();
      await insert(2);
      await read();
    }
    expect(ids(await read(10, `${period}.0`))).toEqual([id]);
  });

  test("it is invalidated at once when a listed user deletes the account", async () => {
    await insert(1);
    expect((await read()).total).toBe(1);
    await events.settled();
    await eraseUser(ctx, user);
    await database.sql("delete from users where id = $1", [user]);
    expect(await read()).toMatchObject({ total: 0, entries: [] });
  });

  test("it has at most a thousand minions and uses the index", async () => {
    await database.sql(
      `insert into spirit_minions (user_id, name, display_name, model, visibility, total_usage_xp)
       select $1, 'ada', 'Ada ' || n, 'builtin/extractive', 'public', n % 7 from generate_series(1, 1100) n`,
      [user],
    );
    const first = await read();
    expect(first.total).toBe(1_000);
    let [page, walked] = [first, ids(first)];
    while (page.next_cursor !== undefined) {
      page = await read(100, page.next_cursor);
      walked = [...walked, ...ids(page)];
    }
    expect(new Set(walked).size).toBe(1_000);
    await database.sql("analyze spirit_minions");
    const plan = await database.sql(
      `explain select id from spirit_minions where visibility = 'public' and deleted_at is null
       order by total_training_xp + total_usage_xp desc, id limit 10`,
    );
    expect(JSON.stringify(plan)).toContain("minions_by_experience");
  });
});
