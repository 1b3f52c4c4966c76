import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Ctx } from "../../../src/context.ts";
import { assignClass, equipSpirit, putLoadout, unequipSpirit } from "../../../src/minions/spirits/service.ts";
import type { MinionWithCatalog } from "../../../src/minions/queries.ts";
import { spiritsOf } from "../../../src/minions/spirits/views.ts";
import { newUser, subscribe } from "../../billing/support/billing.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "../../support/api.ts";
import { createTestContexts, testBindings } from "../../support/in-process-context.ts";
import { freeSpirits, grantSpirits, insertMinion, outcomeOf, setExperience, spirits } from "../support/minions.ts";

let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let ctx: Ctx;

beforeAll(async () => {
  database = await openTestDatabase();
  bridge = await startStoppableBridge(database);
  ctx = createTestContexts(testBindings(bridge.url)).context("model");
});

afterAll(async () => {
  await bridge.stopPostgres();
  await database.close();
});

/** Classes by their spirits, in their order. */
const classes = {
  "Swiss Army Knife": [spirits.builder, spirits.writer, spirits.analyst],
  "Research Analyst": [spirits.researcher, spirits.analyst, spirits.checker],
  Developer: [spirits.builder, spirits.debugger, spirits.checker],
} as const;

const some = [...freeSpirits, spirits.creative, spirits.researcher, spirits.debugger];

const spirit = fc.constantFrom(...some);
const anyOperation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant("equip" as const), spirit }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("unequip" as const), spirit }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("put" as const), ids: fc.uniqueArray(spirit, { maxLength: 5 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant("class" as const),
      name: fc.constantFrom(...(Object.keys(classes) as (keyof typeof classes)[])),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("plan" as const), plan: fc.constantFrom(null, 4) }) },
);
type Operation = typeof anyOperation extends fc.Arbitrary<infer T> ? T : never;

/** The rules of loadouts as an in-memory model. */
class Model {
  /** The spirit at each of five places. */
  places: (number | null)[] = [null, null, null, null, null];
  slots = 3;
  readonly #unlocked: readonly number[];

  constructor(unlocked: readonly number[]) {
    this.#unlocked = unlocked;
  }

  get loadout(): { position: number; spirit_id: number }[] {
    return this.places.flatMap((spirit_id, index) => (spirit_id === null ? [] : [{ position: index + 1, spirit_id }]));
  }

  do(operation: Exclude<Operation, { does: "plan" }>, owned: readonly number[]): string {
    const refused = this.#refusal(operation, owned);
    if (refused !== undefined) return refused;
    if (operation.does === "unequip") this.places = this.places.map((id) => (id === operation.spirit ? null : id));
    if (operation.does === "put") this.places = this.places.map((_, index) => operation.ids[index] ?? null);
    if (operation.does === "equip") this.#add([operation.spirit]);
    if (operation.does === "class") this.#add(classes[operation.name]);
    return "done";
  }

  #refusal(operation: Exclude<Operation, { does: "plan" }>, owned: readonly number[]): string | undefined {
    const isThere = (id: number) => this.places.includes(id);
    if (operation.does === "unequip") return isThere(operation.spirit) ? undefined : "not_found";
    if (operation.does === "equip" && isThere(operation.spirit)) return "spirit_already_equipped";
    const wanted =
      operation.does === "put" ? operation.ids : operation.does === "class" ? classes[operation.name] : [operation.spirit];
    const added = wanted.filter((id) => !isThere(id));
    if (!added.every((id) => this.#unlocked.includes(id))) return "spirit_locked";
    if (!added.every((id) => owned.includes(id))) return "spirit_not_owned";
    const held = operation.does === "put" ? wanted.length : this.loadout.length + added.length;
    return held > this.slots ? "spirit_limit_reached" : undefined;
  }

  #add(ids: readonly number[]): void {
    for (const id of ids) if (!this.places.includes(id)) this.places[this.places.indexOf(null)] = id;
  }
}

function perform(
  userId: number,
  minionId: number,
  operation: Exclude<Operation, { does: "plan" }>,
): Promise<MinionWithCatalog> {
  if (operation.does === "equip") return equipSpirit(ctx, userId, minionId, operation.spirit);
  if (operation.does === "unequip") return unequipSpirit(ctx, userId, minionId, operation.spirit);
  if (operation.does === "put") return putLoadout(ctx, userId, minionId, operation.ids);
  return assignClass(ctx, userId, minionId, operation.name);
}

async function changePlan(userId: number, plan: number | null): Promise<void> {
  await database.sql("update user_spirit_subscriptions set status = 'cancelled' where user_id = $1", [userId]);
  if (plan !== null) await subscribe(database, userId, { plan });
}

test("after any sequence of actions a loadout follows the rules and never exceeds the slots", async () => {
  const level = fc.constantFrom(
    { xp: 0, unlocked: freeSpirits },
    { xp: 200, unlocked: [...freeSpirits, spirits.researcher] },
    { xp: 2_600, unlocked: some },
  );
  await fc.assert(
    fc.asyncProperty(level, fc.array(anyOperation, { minLength: 5, maxLength: 25 }), async ({ xp, unlocked }, operations) => {
      const userId = await newUser(database);
      const minionId = await insertMinion(database, userId);
      await setExperience(database, minionId, xp);
      await grantSpirits(database, userId, [spirits.creative]);
      const model = new Model(unlocked);
      let owned: readonly number[] = [...freeSpirits, spirits.creative];
      for (const operation of operations) {
        if (operation.does === "plan") {
          await changePlan(userId, operation.plan);
          model.slots = operation.plan === null ? 3 : 5;
          owned = operation.plan === null ? [...freeSpirits, spirits.creative] : some;
          continue;
        }
        const before = model.loadout.length;
        let found: MinionWithCatalog | undefined;
        const outcome = await outcomeOf(perform(userId, minionId, operation).then((done) => (found = done)));
        expect([operation, outcome]).toEqual([operation, model.do(operation, owned)]);
        if (found === undefined) continue;
        const held = found.row.spirits.map(({ position, spirit_id }) => ({ position, spirit_id }));
        expect(held).toEqual(model.loadout);
        expect(held.length).toBeLessThanOrEqual(Math.max(model.slots, before));
        const active = spiritsOf(found.catalog, found.row).filter(({ is_active }) => is_active);
        expect(active.length).toBeLessThanOrEqual(model.slots);
        expect(active.every(({ spirit_id }) => owned.includes(spirit_id))).toBe(true);
      }
      const rows = await database.sql(
        "select position, spirit_id from minion_spirits where minion_id = $1 and position is not null order by 1",
        [minionId],
      );
      expect(rows).toEqual(model.loadout);
    }),
    { numRuns: 40, seed: 5 },
  );
});
