import { beforeEach, describe, expect, test } from "vitest";
import { useApi } from "../../support/api.ts";
import { createUser, type Person } from "../../support/users.ts";
import { clientOf, faultsIn, makeMinion, refusalIn, setExperience, type Client, type WireMinion } from "../support/minions.ts";

const api = useApi();
let person: Person;
let me: Client;
let id: number;

beforeEach(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
  ({ id } = await makeMinion(me, { display_name: "Ada" }));
});

const minion = async () => (await me.get(`/minions/${id}`)).body.minion as WireMinion;

describe("the traits of a minion", () => {
  const put = (traits: object) => me.put(`/minions/${id}/traits`, { traits });

  test("they start at level 10, and their number and strength follow level and rank", async () => {
    expect((await put({})).body).toMatchObject({
      traits: {},
      trait_slots: 0,
      trait_points: 10,
      trait_compatibility_percentage: 100,
    });
    expect((await put({ friendly: 0 })).body).toMatchObject({ traits: {} });
    const locked = await put({ friendly: 1 });
    expect([refusalIn(locked), faultsIn(locked)]).toEqual([[422, "validation_failed"], ["traits"]]);
    await setExperience(api.database, id, 4_199);
    expect(refusalIn(await put({ friendly: 1 }))).toEqual([422, "validation_failed"]);
    await setExperience(api.database, id, 4_200);
    expect((await put({ friendly: 10 })).body).toMatchObject({ traits: { friendly: 10 }, trait_slots: 1, trait_points: 15 });
    expect(refusalIn(await put({ friendly: 1, technical: 1 }))).toEqual([422, "validation_failed"]);
    await setExperience(api.database, id, 31_000);
    const three = { technical: 10, professional: 10, friendly: 5 };
    const { body } = await put({ ...three, creative: 0 });
    expect(body).toMatchObject({ traits: three, trait_slots: 3, trait_points: 25 });
    expect(body).toMatchObject({ trait_compatibility: 0.05, trait_compatibility_percentage: 100 });
    expect(body.traits).toEqual(three);
    expect(refusalIn(await put({ ...three, friendly: 6 }))).toEqual([422, "validation_failed"]);
    expect((await me.get(`/minions/${id}/traits`)).body.traits).toEqual(three);
    expect(await minion()).toMatchObject({ traits: three, version: 5 });
  });

  test.each([
    ["traits.brave", { brave: 1 }],
    ["traits.friendly", { friendly: 11 }],
    ["traits.friendly", { friendly: -1 }],
    ["traits.friendly", { friendly: 0.5 }],
    ["traits", []],
    ["traits.__proto__x", { ["__proto__x"]: 1 }],
    ["traits.constructor", { ["constructor"]: 0 }],
  ])("invalid traits are refused at %s: %j", async (path, traits) => {
    const refused = await put(traits);
    expect([refused.status, faultsIn(refused)]).toEqual([422, [path]]);
  });
});
