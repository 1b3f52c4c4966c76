import { beforeEach, describe, expect, test } from "vitest";
import { inDays, subscribe } from "../../billing/support/billing.ts";
import { useApi } from "../../support/api.ts";
import { createUser, type Person } from "../../support/users.ts";
import {
  clientOf,
  faultsIn,
  freeSpirits,
  grantSpirits,
  idsOf,
  insertMinion,
  makeMinion,
  refusalIn,
  setExperience,
  spirits,
  type Client,
  type WireMinion,
} from "../support/minions.ts";

const api = useApi();
let person: Person;
let me: Client;
let id: number;

beforeEach(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
  ({ id } = await makeMinion(me));
});

const equip = (spirit_id: number) => me.post(`/minions/${id}/spirits`, { spirit_id });
const unequip = (spirit_id: number) => me.delete(`/minions/${id}/spirits/${spirit_id}`);
const put = (...spirit_ids: number[]) => me.put(`/minions/${id}/spirits`, { spirit_ids });
const minion = async () => (await me.get(`/minions/${id}`)).body.minion as WireMinion;
const loadout = async () => idsOf((await minion()).spirits);
const end = () => api.database.sql("update user_spirit_subscriptions set status = 'cancelled' where user_id = $1", [person.id]);

/** Each spirit that is equipped, with what keeps it from working. */
const faults = async () => (await minion()).spirits.map(({ spirit_id, inactive_because: fault }) => [spirit_id, fault]);

describe("equipping a spirit", () => {
  test("an equipped spirit takes the first free slot at level 1 with the first two of its tools", async () => {
    const { status, body } = await equip(spirits.writer);
    expect([status, body]).toMatchObject([201, { success: true, total: 1, spirits: [{ name: "Writer Spirit", position: 1 }] }]);
    const [spirit] = body.spirits;
    expect(spirit).toMatchObject({
      spirit_id: spirits.writer,
      slug: "writer",
      tier: "free",
      is_active: true,
      inactive_because: null,
    });
    expect(spirit).toMatchObject({ spirit_level: 1, spirit_xp: 0, xp_to_next_level: 200, effectiveness_percent: 25 });
    expect(spirit.tools).toEqual(["markdown_generator", "style_adapter"]);
    expect((await me.get(`/minions/${id}/spirits`)).body).toEqual(body);
    expect(await minion()).toMatchObject({ version: 2, spirits: body.spirits });
  });

  test("locked, not owned, no free slot and already equipped are refused in this order", async () => {
    await setExperience(api.database, await insertMinion(api.database, person.id), 399);
    await grantSpirits(api.database, person.id, [spirits.creative]);
    expect(refusalIn(await equip(spirits.creative))).toEqual([403, "spirit_locked"]);
    expect(refusalIn(await equip(spirits.debugger))).toEqual([403, "spirit_locked"]);
    await setExperience(api.database, id, 1);
    expect(refusalIn(await equip(spirits.researcher))).toEqual([402, "spirit_not_owned"]);
    expect(await put(spirits.creative, spirits.analyst, spirits.writer)).toMatchObject({ status: 200 });
    expect(refusalIn(await equip(spirits.writer))).toEqual([409, "spirit_already_equipped"]);
    expect(refusalIn(await equip(spirits.checker))).toEqual([409, "spirit_limit_reached"]);
    expect(await loadout()).toEqual([spirits.creative, spirits.analyst, spirits.writer]);
  });

  test.each([[{ spirit_id: 999 }], [{ spirit_id: 0 }], [{ spirit_id: 1.5 }], [{ spirit_id: 2 ** 31 }], [{}]])(
    "an unknown spirit is refused: %j",
    async (body) => {
      const refused = await me.post(`/minions/${id}/spirits`, body);
      expect([refused.status, faultsIn(refused)]).toEqual([422, ["spirit_id"]]);
    },
  );

  test("a trashed minion is not found", async () => {
    await me.delete(`/minions/${id}`);
    for (const refused of [await equip(1), await put(1), await unequip(1)])
      expect(refusalIn(refused)).toEqual([404, "not_found"]);
  });

  test("a repeated Idempotency-Key equips once and returns the loadout", async () => {
    const key = { "idempotency-key": "equip-1" };
    const first = await me.post(`/minions/${id}/spirits`, { spirit_id: spirits.writer }, key);
    const second = await me.post(`/minions/${id}/spirits`, { spirit_id: spirits.writer }, key);
    expect([second.status, second.headers.get("idempotency-replayed"), second.body]).toEqual([201, "true", first.body]);
    expect(await minion()).toMatchObject({ version: 2 });
  });
});

test("an unequipped spirit keeps its experience, and the next one takes its slot", async () => {
  await put(spirits.writer, spirits.analyst, spirits.builder);
  await api.database.sql("update minion_spirits set experience = 450 where minion_id = $1 and spirit_id = $2", [
    id,
    spirits.analyst,
  ]);
  expect(await unequip(spirits.analyst)).toMatchObject({ status: 200, body: { total: 2 } });
  expect(refusalIn(await unequip(spirits.analyst))).toEqual([404, "not_found"]);
  await equip(spirits.checker);
  expect(await loadout()).toEqual([spirits.writer, spirits.checker, spirits.builder]);
  await unequip(spirits.writer);
  const { body } = await equip(spirits.analyst);
  expect(body.spirits[0]).toMatchObject({ spirit_id: spirits.analyst, position: 1, spirit_level: 3, spirit_xp: 650 });
  expect(body.spirits[0].tools).toHaveLength(3);
});

describe("replacing the whole loadout", () => {
  test("the loadout is equipped in order, can be repeated, and is emptied by an empty list", async () => {
    expect(idsOf((await put(spirits.builder, spirits.writer)).body.spirits)).toEqual([spirits.builder, spirits.writer]);
    expect(idsOf((await put(spirits.writer, spirits.checker, spirits.builder)).body.spirits)).toEqual([
      spirits.writer,
      spirits.checker,
      spirits.builder,
    ]);
    expect(await put()).toMatchObject({ status: 200, body: { spirits: [], total: 0 } });
    expect(await minion()).toMatchObject({ version: 4, spirits: [] });
  });

  test("the loadout is refused as a whole with everything that is missing", async () => {
    await put(spirits.writer);
    await setExperience(api.database, id, 1_000);
    const refused = await put(spirits.builder, spirits.creative, spirits.debugger);
    expect(refusalIn(refused)).toEqual([403, "spirit_locked"]);
    expect(refused.body.missing).toEqual([
      { spirit: "Creative Spirit", code: "spirit_not_owned" },
      { spirit: "Debugger Spirit", code: "spirit_locked" },
    ]);
    expect(refusalIn(await put(spirits.builder, spirits.creative))).toEqual([402, "spirit_not_owned"]);
    expect(refusalIn(await put(...freeSpirits))).toEqual([409, "spirit_limit_reached"]);
    expect(await loadout()).toEqual([spirits.writer]);
  });

  test.each([
    ["spirit_ids", [1, 4, 1]],
    ["spirit_ids", [1, 2, 3, 4, 5, 6]],
    ["spirit_ids.1", [1, 999]],
    ["spirit_ids.0", ["1"]],
    ["spirit_ids", "1,4"],
  ])("an invalid loadout is refused at %s: %j", async (path, spirit_ids) => {
    const refused = await me.put(`/minions/${id}/spirits`, { spirit_ids });
    expect([refused.status, faultsIn(refused)]).toEqual([422, [path]]);
  });
});

describe("equipped spirits stay equipped", () => {
  test("after the plan ends, spirits beyond the slots are inactive until there is a plan again", async () => {
    await subscribe(api.database, person.id, { plan: 4 });
    await put(...freeSpirits);
    const full = await minion();
    await end();
    const [first, second, third, ...beyond] = freeSpirits;
    expect(await faults()).toEqual([
      ...[first, second, third].map((spirit) => [spirit, null]),
      ...beyond.map((spirit) => [spirit, "spirit_limit_reached"]),
    ]);
    const less = await minion();
    expect([full.spirit_slots, less.spirit_slots]).toEqual([5, 3]);
    expect(less.synergy.synergy_bonus).toBeLessThan(full.synergy.synergy_bonus);
    expect((await me.get(`/minions/${id}/tools`)).body.total).toBe(6);
    expect(refusalIn(await put(...freeSpirits))).toEqual([409, "spirit_limit_reached"]);
    expect(refusalIn(await equip(spirits.checker))).toEqual([409, "spirit_already_equipped"]);
    await subscribe(api.database, person.id, { plan: 3 });
    expect((await minion()).synergy).toEqual(full.synergy);
  });

  test("after the access ends, a spirit is inactive and may keep its slot", async () => {
    await setExperience(api.database, id, 1_000);
    await grantSpirits(api.database, person.id, [spirits.creative, spirits.communicator]);
    await put(spirits.creative, spirits.writer, spirits.communicator);
    await api.database.sql("update user_spirit_access set revoked_at = now() where user_id = $1 and spirit_id = $2", [
      person.id,
      spirits.creative,
    ]);
    await api.database.sql(
      "update user_spirit_access set granted_at = $3, expires_at = $4 where user_id = $1 and spirit_id = $2",
      [person.id, spirits.communicator, inDays(-2), inDays(-1)],
    );
    expect(await faults()).toEqual([
      [spirits.creative, "spirit_not_owned"],
      [spirits.writer, null],
      [spirits.communicator, "spirit_not_owned"],
    ]);
    expect((await minion()).synergy.synergy_bonus).toBe(0);
    expect((await me.get(`/minions/${id}/tools`)).body.tools.map(({ spirit }: { spirit: string }) => spirit)).toEqual([
      "Writer Spirit",
      "Writer Spirit",
    ]);
    expect((await put(spirits.writer, spirits.creative)).status).toBe(200);
    expect(refusalIn(await put(spirits.writer, spirits.communicator))).toEqual([402, "spirit_not_owned"]);
    await unequip(spirits.creative);
    expect(refusalIn(await equip(spirits.creative))).toEqual([402, "spirit_not_owned"]);
  });
});

test("the list of available spirits shows what each one requires", async () => {
  await setExperience(api.database, id, 400);
  await grantSpirits(api.database, person.id, [spirits.creative, spirits.debugger]);
  await put(spirits.writer);
  const available = async () => {
    const { body } = await me.get(`/minions/${id}/spirits/available`);
    expect(body.spirits).toHaveLength(body.total);
    return Object.fromEntries((body.spirits as { spirit_id: number }[]).map((spirit) => [spirit.spirit_id, spirit]));
  };
  const before = await available();
  expect(Object.keys(before)).toHaveLength(18);
  expect(before).toMatchObject({
    [spirits.writer]: { is_unlocked: true, is_owned: true, is_equipped: true, has_free_slot: true, missing: null },
    [spirits.creative]: { is_unlocked: true, is_owned: true, is_equipped: false, missing: null },
    [spirits.researcher]: { is_unlocked: true, is_owned: false, missing: "spirit_not_owned" },
    [spirits.debugger]: { is_unlocked: false, is_owned: true, missing: "spirit_locked" },
  });
  await put(spirits.writer, spirits.analyst, spirits.builder);
  expect(await available()).toMatchObject({
    [spirits.writer]: { has_free_slot: false, missing: null },
    [spirits.creative]: { has_free_slot: false, missing: "spirit_limit_reached" },
    [spirits.researcher]: { missing: "spirit_not_owned" },
  });
});

test("synergy covers the active spirits and optional others, in any order", async () => {
  await put(spirits.writer, spirits.analyst);
  const synergy = async (query = "") => (await me.get(`/minions/${id}/spirits/synergy${query}`)).body;
  expect((await synergy()).synergy).toEqual((await minion()).synergy);
  const imagined = await synergy("?with=2,11");
  expect(imagined.spirits).toEqual(["Writer Spirit", "Creative Spirit", "Analyst Spirit", "Communicator Spirit"]);
  expect(imagined.synergy.conflicts).toContainEqual({ spirits: ["Creative Spirit", "Analyst Spirit"], penalty: 15 });
  expect(imagined.synergy.net_performance).toBe(imagined.synergy.synergy_bonus - imagined.synergy.conflict_penalty);
  for (const same of ["?with=11,2", "?with=11,2,2,1"]) expect(await synergy(same)).toEqual(imagined);
  const unknown = await me.get(`/minions/${id}/spirits/synergy?with=2,99,98`);
  expect([unknown.status, unknown.body.detail]).toEqual([
    422,
    "with: spirit 99 does not exist; with: spirit 98 does not exist",
  ]);
  for (const odd of ["a", "1;2", "-1", "2147483648"]) {
    expect((await me.get(`/minions/${id}/spirits/synergy?with=${odd}`)).status).toBe(422);
  }
});

describe("a class", () => {
  const assign = (class_name: string) => me.post(`/minions/${id}/class`, { class_name });

  test("it equips its missing spirits, all or none", async () => {
    await put(spirits.checker);
    const full = await assign("Swiss Army Knife");
    expect(refusalIn(full)).toEqual([409, "spirit_limit_reached"]);
    expect(full.body.missing).toEqual(
      ["Builder", "Writer", "Analyst"].map((spirit) => ({ spirit: `${spirit} Spirit`, code: "spirit_limit_reached" })),
    );
    expect(await loadout()).toEqual([spirits.checker]);
    await put(spirits.analyst);
    const { body } = await assign("swiss army knife");
    expect(body).toMatchObject({ success: true, class: { class_name: "Swiss Army Knife" }, missing: [] });
    expect(await loadout()).toEqual([spirits.analyst, spirits.builder, spirits.writer]);
    expect((await me.get(`/minions/${id}/class`)).body).toEqual(body);
  });

  test("a locked or not owned class is refused with everything that is missing and changes nothing", async () => {
    await assign("Swiss Army Knife");
    await setExperience(api.database, id, 5_000);
    const refused = await assign("Security Specialist");
    expect(refusalIn(refused)).toEqual([402, "spirit_not_owned"]);
    expect(refused.body.missing).toEqual([
      { spirit: "Security Spirit", code: "spirit_not_owned" },
      { spirit: "Debugger Spirit", code: "spirit_not_owned" },
    ]);
    const mixed = await assign("Educational Designer");
    expect([refusalIn(mixed), mixed.body.missing.length]).toEqual([[403, "spirit_locked"], 2]);
    expect((await minion()).class?.class_name).toBe("Swiss Army Knife");
    expect(faultsIn(await assign("Wizard"))).toEqual(["class_name"]);
  });

  test("its inactive spirits are listed, and removing the class leaves its spirits equipped", async () => {
    await assign("Swiss Army Knife");
    await unequip(spirits.writer);
    const { body } = await me.get(`/minions/${id}/class`);
    expect(body.missing).toMatchObject([{ spirit: "Writer Spirit" }]);
    expect((await me.delete(`/minions/${id}/class`)).body).toEqual({ success: true, class: null, missing: [] });
    expect(await minion()).toMatchObject({ class: null });
    expect(await loadout()).toEqual([spirits.builder, spirits.analyst]);
  });
});

test("the tools are those of the active spirits at their levels, with their mastery", async () => {
  await me.put(`/minions/${id}/spirits`, { spirit_ids: [spirits.writer, spirits.checker] });
  await api.database.sql("update minion_spirits set experience = 450 where minion_id = $1 and spirit_id = $2", [
    id,
    spirits.checker,
  ]);
  await api.database.sql(
    `insert into spirit_mastery (minion_id, spirit_id, tool_id, uses)
     select $1, $2, id, 26 from tools_registry where name = 'test_runner'`,
    [id, spirits.checker],
  );
  const { body } = await me.get(`/minions/${id}/tools`);
  const known = (body.tools as Record<string, unknown>[]).map(({ name, spirit, uses, mastery }) => [
    name,
    spirit,
    uses,
    mastery,
  ]);
  expect([known, body.total]).toEqual([
    [
      ["markdown_generator", "Writer Spirit", 0, "beginner"],
      ["style_adapter", "Writer Spirit", 0, "beginner"],
      ["grammar_checker", "Checker Spirit", 0, "beginner"],
      ["test_runner", "Checker Spirit", 26, "intermediate"],
      ["consistency_checker", "Checker Spirit", 0, "beginner"],
    ],
    5,
  ]);
});
