import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { putAvatar } from "../../../src/minions/avatars.ts";
import { assignClass, equipSpirit, putLoadout, unequipSpirit } from "../../../src/minions/spirits/service.ts";
import { NewMinion } from "../../../src/minions/schemas.ts";
import { changeMinion, createMinion, deleteMinion, purgeTrash, restoreMinion } from "../../../src/minions/service.ts";
import { createMinionToken } from "../../../src/minions/tokens.ts";
import { newUser, subscribe } from "../../billing/support/billing.ts";
import { openConcurrentPostgres, type ConcurrentPostgres } from "../../support/concurrent-postgres.ts";
import { createTestContexts, testBindings } from "../../support/in-process-context.ts";
import { seededRandom } from "../../support/random.ts";
import { freeSpirits, insertMinion, memoryFiles, newMinion, outcomeOf, picture, spirits, tally } from "../support/minions.ts";

/** Minions under 50 connections of a real PostgreSQL. */

let postgres: ConcurrentPostgres;
let user: number;

beforeAll(async () => {
  postgres = await openConcurrentPostgres(50);
});

beforeEach(async () => {
  user = await newUser(postgres);
});

afterAll(() => postgres.close());

/** What each of many at once came to. */
const atOnce = (count: number, work: (n: number) => Promise<unknown>) =>
  Promise.all(Array.from({ length: count }, (_, n) => outcomeOf(work(n))));

const create = (given: object = {}) => createMinion(postgres.ctx, user, NewMinion.parse(newMinion(given)));
const equip = (minionId: number, spiritId: number) => equipSpirit(postgres.ctx, user, minionId, spiritId);
const put = (minionId: number, spiritIds: readonly number[]) => putLoadout(postgres.ctx, user, minionId, spiritIds);

async function livingOf(userId: number): Promise<number> {
  const [row] = await postgres.sql("select count(*)::int as n from spirit_minions where user_id = $1 and deleted_at is null", [
    userId,
  ]);
  return row!["n"] as number;
}

/** The spirits of a minion by their places. */
async function loadoutOf(minionId: number): Promise<[place: number, spirit: number][]> {
  const rows = await postgres.sql(
    "select position, spirit_id from minion_spirits where minion_id = $1 and position is not null order by 1",
    [minionId],
  );
  return rows.map(({ position, spirit_id }) => [position as number, spirit_id as number]);
}

describe("concurrent changes of loadouts", () => {
  test("of 50 concurrent equips into one free slot exactly one succeeds", async () => {
    const id = await insertMinion(postgres, user);
    await put(id, [spirits.writer, spirits.analyst]);
    const others = [spirits.builder, spirits.connector, spirits.checker];
    const outcomes = tally(await atOnce(50, (n) => equip(id, others[n % 3]!)));
    expect(outcomes["done"]).toBe(1);
    expect((outcomes["spirit_limit_reached"] ?? 0) + (outcomes["spirit_already_equipped"] ?? 0)).toBe(49);
    expect(await loadoutOf(id)).toHaveLength(3);
  });

  test("50 concurrent equips of one spirit equip it once", async () => {
    const id = await insertMinion(postgres, user);
    expect(tally(await atOnce(50, () => equip(id, spirits.writer)))).toEqual({ done: 1, spirit_already_equipped: 49 });
    expect(await loadoutOf(id)).toEqual([[1, spirits.writer]]);
  });

  test("concurrent loadouts, classes and single spirits never exceed the slots", async () => {
    const random = seededRandom(7);
    const oneOf = <T>(things: readonly T[]) => things[Math.floor(random() * things.length)]!;
    const ids = await Promise.all(Array.from({ length: 2 }, () => insertMinion(postgres, user)));
    for (let round = 0; round < 25; round++) {
      const some = () => freeSpirits.toSorted(() => random() - 0.5).slice(0, 1 + Math.floor(random() * 4));
      const outcomes = await atOnce(16, (n) => {
        const id = ids[n % 2]!;
        if (n % 8 < 2) return put(id, some());
        if (n % 8 < 3) return assignClass(postgres.ctx, user, id, "Swiss Army Knife");
        if (n % 8 < 4) return unequipSpirit(postgres.ctx, user, id, oneOf(freeSpirits));
        return equip(id, oneOf(freeSpirits));
      });
      const known = new Set(["done", "spirit_limit_reached", "spirit_already_equipped", "not_found"]);
      expect(outcomes.filter((outcome) => !known.has(outcome))).toEqual([]);
      for (const id of ids) expect((await loadoutOf(id)).length).toBeLessThanOrEqual(3);
    }
  });

  test("a whole loadout is equipped completely or refused", async () => {
    const wanted = [spirits.checker, spirits.writer, spirits.connector];
    for (let round = 0; round < 10; round++) {
      const id = await insertMinion(postgres, user);
      await Promise.all([
        ...[spirits.analyst, spirits.builder].map((spirit) => outcomeOf(equip(id, spirit))),
        outcomeOf(put(id, wanted)),
      ]);
      // Whatever came first was put away, and whatever came after found no slot.
      expect(await loadoutOf(id)).toEqual(wanted.map((spirit, index) => [index + 1, spirit]));
    }
  });
});

describe("concurrent changes of minions", () => {
  test("50 concurrent creations create exactly as many as the plan allows", async () => {
    expect(tally(await atOnce(50, () => create()))).toEqual({ done: 2, minion_limit_reached: 48 });
    await subscribe(postgres, user, { plan: 2 });
    const dressed = (n: number) => (n % 2 ? { template_id: 1 } : { class_name: "Swiss Army Knife" });
    expect(tally(await atOnce(50, (n) => create(dressed(n))))).toEqual({ done: 3, minion_limit_reached: 47 });
    expect(await livingOf(user)).toBe(5);
  });

  test("concurrent creations and restorations of one name leave one", async () => {
    await subscribe(postgres, user, { plan: 4 });
    const binned = await insertMinion(postgres, user, { display_name: "ADA", deleted_at: new Date() });
    const outcomes = await atOnce(12, (n) =>
      n % 4 === 0 ? restoreMinion(postgres.ctx, user, binned) : create({ display_name: n % 2 ? "Ada" : "ada" }),
    );
    expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(1);
    expect(await livingOf(user)).toBe(1);
  });

  test("concurrent deletions, restorations and creations never exceed the limit", async () => {
    await subscribe(postgres, user, { plan: 2 });
    for (let round = 0; round < 8; round++) {
      const rows = await postgres.sql(
        "select id, deleted_at from spirit_minions where user_id = $1 order by random() limit 12",
        [user],
      );
      const living = rows.filter(({ deleted_at }) => deleted_at === null).map(({ id }) => id as number);
      const binned = rows.filter(({ deleted_at }) => deleted_at !== null).map(({ id }) => id as number);
      const work = [
        ...living.slice(0, 2).map((id) => deleteMinion(postgres.ctx, user, id)),
        ...[...binned, ...binned].map((id) => restoreMinion(postgres.ctx, user, id)),
        ...Array.from({ length: 8 }, () => create()),
      ];
      const outcomes = await Promise.all(work.map(outcomeOf));
      const known = new Set(["done", "minion_limit_reached", "not_found"]);
      expect(outcomes.filter((outcome) => !known.has(outcome))).toEqual([]);
      expect(await livingOf(user)).toBeLessThanOrEqual(5);
    }
    expect(await livingOf(user)).toBeGreaterThan(2);
  });

  test("of 20 concurrent edits of one version exactly one succeeds", async () => {
    const id = await insertMinion(postgres, user);
    const edits = await atOnce(20, (n) => changeMinion(postgres.ctx, user, id, { description: `edit ${n}` }, 1));
    expect(tally(edits)).toEqual({ done: 1, precondition_failed: 19 });
    const [row] = await postgres.sql("select version, description from spirit_minions where id = $1", [id]);
    expect(row).toEqual({ version: 2, description: `edit ${edits.indexOf("done")}` });
  });

  test("a minion that is restored during a purge stays", async () => {
    const deleted_at = new Date(Date.now() - 31 * 86_400_000);
    const [kept, gone] = [
      await insertMinion(postgres, user, { deleted_at }),
      await insertMinion(postgres, user, { deleted_at }),
    ];
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    await client.query("begin");
    await client.query("update spirit_minions set deleted_at = null where id = $1", [kept]);
    const emptied = purgeTrash(
      createTestContexts(testBindings(postgres.bridge.url, { FILES: memoryFiles().bucket })).context("storm"),
    );
    const waiting = "select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'";
    await expect.poll(() => postgres.sql(waiting)).toEqual([{ n: 1 }]);
    await client.query("commit");
    await client.end();
    await emptied;
    const rows = await postgres.sql("select id from spirit_minions where id = any($1)", [[kept, gone]]);
    expect(rows).toEqual([{ id: kept }]);
  });
});

describe("concurrent changes of avatars", () => {
  const keyOf = async (id: number) =>
    (await postgres.sql("select avatar_key from spirit_minions where id = $1", [id]))[0]!["avatar_key"];

  test("ten concurrent avatars leave one file, that of the minion", async () => {
    const id = await insertMinion(postgres, user);
    const { bucket, keysWith } = memoryFiles();
    const events = createTestContexts(testBindings(postgres.bridge.url, { FILES: bucket }));
    const upload = (n: number) => putAvatar(events.context("storm"), user, id, picture("png", String(n)));
    expect(tally(await atOnce(10, upload))).toEqual({ done: 10 });
    await events.settled();
    expect(keysWith(`users/${user}/`)).toEqual([await keyOf(id)]);
  });

  test("an avatar that is set again during a replacement is kept if it is the last", async () => {
    const id = await insertMinion(postgres, user);
    const { bucket, keysWith } = memoryFiles();
    let meanwhile = async () => {};
    const slow = {
      ...bucket,
      put: async (key: string, bytes: Uint8Array) => {
        await bucket.put(key, bytes);
        const work = meanwhile;
        meanwhile = async () => {};
        await work();
      },
    };
    const events = createTestContexts(testBindings(postgres.bridge.url, { FILES: slow }));
    const upload = (which: string) => putAvatar(events.context("storm"), user, id, picture("png", which));
    await upload("one");
    meanwhile = async () => {
      await upload("two");
      await events.settled();
    };
    await upload("one");
    await events.settled();
    expect(keysWith(`users/${user}/`)).toEqual([await keyOf(id)]);
  });
});

test("ten concurrent tokens leave one", async () => {
  const id = await insertMinion(postgres, user);
  expect(tally(await atOnce(10, () => createMinionToken(postgres.ctx, user, id)))).toEqual({ done: 10 });
  expect(await postgres.sql("select minion_id from minion_tokens where minion_id = $1", [id])).toHaveLength(1);
});
