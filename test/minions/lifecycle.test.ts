import { beforeEach, describe, expect, test } from "vitest";
import { inDays } from "../billing/support/billing.ts";
import { useApi } from "../support/api.ts";
import { createUser, type Person } from "../support/users.ts";
import {
  clientOf,
  faultsIn,
  filesOf,
  insertMinion,
  makeMinion,
  newMinion,
  picture,
  putPicture,
  refusalIn,
  setExperience,
  type Client,
  type WireMinion,
} from "./support/minions.ts";

const api = useApi();
let person: Person;
let me: Client;

const stranger = async () => clientOf(api, await createUser(api));

beforeEach(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
});

const emptyBin = async () => expect((await api.worker.scheduled({ cron: "17 3 * * *" })).outcome).toBe("ok");
const restore = ({ id }: { id: number }) => me.post(`/minions/${id}/restore`);
const progression = async () =>
  (await me.get("/me/progression")).body as { experience: number; level: number; minions: number };

/** Lets a minion lie in the bin since some days ago. */
async function binned(daysAgo: number, columns: object = {}): Promise<number> {
  return insertMinion(api.database, person.id, { deleted_at: inDays(-daysAgo), ...columns });
}

describe("an edit of a minion", () => {
  test("an edit changes the given fields and increments the version", async () => {
    const { id, version, updated_at } = await makeMinion(me, { temperature: 1, description: "Old" });
    const change = { name: "eve", display_name: "EVE", temperature: null, visibility: "public", top_k: 7 };
    const edited = await me.patch(`/minions/${id}`, change);
    expect(edited.body.minion).toMatchObject({ ...change, description: "Old", version: version + 1 });
    expect(edited.headers.get("etag")).toBe('"2"');
    expect(Date.parse(edited.body.minion.updated_at)).toBeGreaterThan(Date.parse(updated_at!));
    const read = await me.get(`/minions/${id}`);
    expect([read.headers.get("etag"), read.body.minion]).toEqual(['"2"', edited.body.minion]);
  });

  test("an edit of an outdated version is refused and changes nothing", async () => {
    const { id } = await makeMinion(me);
    const edit = (description: string, seen: string) => me.patch(`/minions/${id}`, { description }, { "if-match": seen });
    expect((await edit("one", '"1"')).status).toBe(200);
    expect(refusalIn(await edit("two", '"1"'))).toEqual([412, "precondition_failed"]);
    expect(refusalIn(await edit("two", 'W/"1"'))).toEqual([412, "precondition_failed"]);
    expect((await me.get(`/minions/${id}`)).body.minion).toMatchObject({ description: "one", version: 2 });
    expect((await edit("two", 'W/"2"')).status).toBe(200);
    expect((await edit("three", "*")).status).toBe(200);
    for (const malformed of ["3", '"x"', '""', '"3", "4"'])
      expect(faultsIn(await edit("four", malformed))).toEqual(["if-match"]);
  });

  test("favorites and experience do not increment the version", async () => {
    const { id } = await makeMinion(me);
    expect((await me.post(`/minions/${id}/toggle-favorite`)).body).toMatchObject({ success: true, is_favorite: true });
    const admin = clientOf(api, await createUser(api, ["admin"]));
    await admin.post(`/admin/minions/${id}/xp`, { amount: 10, reason: "test" });
    expect((await me.get(`/minions/${id}`)).body.minion).toMatchObject({ version: 1, is_favorite: true, experience: 10 });
    expect((await me.post(`/minions/${id}/toggle-favorite`)).body).toMatchObject({ is_favorite: false });
  });

  test.each([
    ["", {}],
    ["name", { name: "" }],
    ["display_name", { display_name: null }],
    ["model", { model: "builtin/hashing-384" }],
    ["knowledge_base_id", { knowledge_base_id: 7 }],
  ])("an edit with this %s is refused: %j", async (field, change) => {
    const { id } = await makeMinion(me);
    const refused = await me.patch(`/minions/${id}`, change);
    expect([refused.status, faultsIn(refused)]).toEqual([422, [field]]);
  });

  test("an edit of a read-only field is refused", async () => {
    const { id } = await makeMinion(me);
    const refused = await me.patch(`/minions/${id}`, { level: 35, name: "eve" });
    expect(refused.body.errors).toEqual([{ path: "level", in: "body", message: "is read-only" }]);
  });

  test("an edit cannot take another minion's display name and can change the case of its own", async () => {
    await makeMinion(me, { display_name: "Taken" });
    const { id } = await makeMinion(me, { display_name: "Free" });
    expect(refusalIn(await me.patch(`/minions/${id}`, { display_name: "tAKEN" }))).toEqual([409, "display_name_taken"]);
    expect((await me.patch(`/minions/${id}`, { display_name: "FREE" })).body.minion.display_name).toBe("FREE");
  });
});

test("a minion is not found for other users", async () => {
  const { id } = await makeMinion(me);
  const other = await stranger();
  for (const path of ["", "/spirits", "/spirits/available", "/class", "/traits", "/tools", "/xp", "/score"]) {
    expect(refusalIn(await other.get(`/minions/${id}${path}`))).toEqual([404, "not_found"]);
  }
  expect(refusalIn(await other.patch(`/minions/${id}`, { name: "mine" }))).toEqual([404, "not_found"]);
  expect(refusalIn(await other.delete(`/minions/${id}`))).toEqual([404, "not_found"]);
  expect(refusalIn(await other.post(`/minions/${id}/spirits`, { spirit_id: 1 }))).toEqual([404, "not_found"]);
  expect((await me.get(`/minions/${id}`)).body.minion).toMatchObject({ version: 1, spirits: [] });
});

describe("a trashed minion", () => {
  test("it can be read in the trash and not changed", async () => {
    const { id } = await makeMinion(me);
    expect((await me.delete(`/minions/${id}`)).body).toMatchObject({ success: true });
    expect((await me.get("/minions")).body).toMatchObject({ minions: [], total: 0 });
    expect((await me.get("/minions?deleted=true")).body).toMatchObject({ minions: [{ id }], total: 1 });
    expect((await me.get(`/minions/${id}`)).body.minion.deleted_at).not.toBeNull();
    const refused = [
      await me.delete(`/minions/${id}`),
      await me.patch(`/minions/${id}`, { name: "eve" }),
      await me.post(`/minions/${id}/toggle-favorite`),
      await me.post(`/minions/${id}/token`),
      await me.put(`/minions/${id}/traits`, { traits: {} }),
    ];
    expect(refused.map(refusalIn)).toEqual(refused.map(() => [404, "not_found"]));
  });

  test("it uses neither a slot nor a name and counts for its owner's experience", async () => {
    const made = await makeMinion(me, { display_name: "Ada" });
    await makeMinion(me);
    await setExperience(api.database, made.id, 5_000);
    const before = await progression();
    await me.delete(`/minions/${made.id}`);
    expect(await progression()).toMatchObject({ experience: 5_000, level: before.level, minions: 1 });
    expect(await makeMinion(me, { display_name: "ADA" })).toMatchObject({ display_name: "ADA" });
  });

  test("it is restored unchanged", async () => {
    const { id } = await makeMinion(me, { class_name: "Swiss Army Knife", visibility: "public" });
    const before = (await me.get(`/minions/${id}`)).body.minion as WireMinion;
    await me.delete(`/minions/${id}`);
    const { status, body } = await restore({ id });
    expect([status, body.minion]).toEqual([200, before]);
    expect(refusalIn(await restore({ id }))).toEqual([404, "not_found"]);
  });

  test("it is restored only with a free slot and a free name", async () => {
    const ada = await makeMinion(me, { display_name: "Ada" });
    await me.delete(`/minions/${ada.id}`);
    const [other, another] = [await makeMinion(me), await makeMinion(me, { display_name: "aDA" })];
    expect(refusalIn(await restore(ada))).toEqual([409, "minion_limit_reached"]);
    await me.delete(`/minions/${other.id}`);
    expect(refusalIn(await restore(ada))).toEqual([409, "display_name_taken"]);
    await me.patch(`/minions/${another.id}`, { display_name: "Eve" });
    expect((await restore(ada)).status).toBe(200);
  });

  test("only the owner can restore a minion", async () => {
    const { id } = await makeMinion(me);
    await me.delete(`/minions/${id}`);
    expect(refusalIn(await (await stranger()).post(`/minions/${id}/restore`))).toEqual([404, "not_found"]);
  });
});

describe("the trash", () => {
  test("minions are purged after 30 days with their avatars, and nothing else is", async () => {
    const { id: kept } = await makeMinion(me);
    const [old, young] = [await makeMinion(me), await binned(29.9)];
    for (const id of [kept, old.id]) await putPicture(api, person, id, picture("png", String(id)));
    await me.delete(`/minions/${old.id}`);
    await api.database.sql("update spirit_minions set deleted_at = $2 where id = $1", [old.id, inDays(-30.1)]);
    await emptyBin();
    const rows = await api.database.sql("select id from spirit_minions where user_id = $1 order by id", [person.id]);
    expect(rows).toEqual([{ id: kept }, { id: young }]);
    expect((await filesOf(api, person)).map((key) => key.split("/").at(-1)!.split("-")[0])).toEqual([String(kept)]);
    expect(refusalIn(await restore(old))).toEqual([404, "not_found"]);
    expect((await restore({ id: young })).status).toBe(200);
  });

  test("purging never lowers experience or a rank", async () => {
    const [first, second] = [await binned(31), await binned(40)];
    await binned(50);
    const living = await makeMinion(me);
    for (const id of [first, second, living.id]) await setExperience(api.database, id, 600);
    const before = await progression();
    expect(before).toMatchObject({ experience: 1_800, level: 7 });
    await emptyBin();
    expect(await progression()).toEqual(before);
    await setExperience(api.database, await binned(31), 500);
    await emptyBin();
    await emptyBin();
    expect(await progression()).toMatchObject({ experience: 2_300, level: 7 });
    const retired = await api.database.sql("select xp from retired_experience where user_id = $1", [person.id]);
    expect(retired).toEqual([{ xp: 1_700 }]);
  });

  test("what purged experience unlocked stays unlocked", async () => {
    await setExperience(api.database, await binned(31), 400);
    await emptyBin();
    const { body } = await me.post("/minions", newMinion({ template_id: 5 }));
    expect(body.skipped[0]).toEqual({ spirit: "Creative Spirit", code: "spirit_not_owned" });
  });

  test("any number of minions is purged", async () => {
    await api.database.sql(
      `insert into spirit_minions (user_id, name, display_name, model, deleted_at, total_usage_xp)
       select $1, 'ada', 'old ' || n, 'builtin/extractive', now() - interval '31 days', 1 from generate_series(1, 600) n`,
      [person.id],
    );
    await emptyBin();
    await emptyBin();
    expect(await api.database.sql("select id from spirit_minions where user_id = $1", [person.id])).toEqual([]);
    expect(await progression()).toMatchObject({ experience: 600 });
  });
});

test("deleting an account deletes its minions, trashed or not, and every avatar", async () => {
  const [{ id }, gone] = [await makeMinion(me), await makeMinion(me)];
  const neighbour = await createUser(api);
  const its = await makeMinion(clientOf(api, neighbour));
  for (const minion of [id, gone.id]) await putPicture(api, person, minion, picture("png"));
  await putPicture(api, neighbour, its.id, picture("png"));
  await me.delete(`/minions/${gone.id}`);
  const exported = (await me.get("/me/export")).body.data;
  expect(exported.minions).toMatchObject([{ id }, { id: gone.id }]);
  expect(JSON.stringify(exported)).not.toContain("token_hash");
  expect((await me.delete("/me", {})).status).toBe(202);
  const left = () => api.database.sql("select id from users where id = $1", [person.id]);
  await expect.poll(left).toEqual([]);
  expect(await api.database.sql("select id from spirit_minions where user_id = $1", [person.id])).toEqual([]);
  expect(await filesOf(api, person)).toEqual([]);
  expect(await filesOf(api, neighbour)).toHaveLength(1);
});
