import { beforeEach, expect, test } from "vitest";
import { useApi } from "../../support/api.ts";
import { createUser, type Person } from "../../support/users.ts";
import { clientOf, insertMinion, makeMinion, setExperience, type Client, type WireMinion } from "../support/minions.ts";

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

test("a score follows experience and equals the sum of its parts, for one minion and for all", async () => {
  const low = (await me.get(`/minions/${id}/score`)).body;
  await setExperience(api.database, id, 1_300);
  const { score, score_breakdown: parts } = (await me.get(`/minions/${id}/score`)).body;
  expect(score).toBeGreaterThan(low.score);
  expect(parts).toMatchObject({ xp_score: 43, rank_score: 10, total: score });
  const { total, ...each } = parts as Record<string, number>;
  expect(Object.values(each).reduce((sum, part) => sum + part, 0)).toBe(total);
  expect(await minion()).toMatchObject({ score, score_breakdown: parts });
  const second = await makeMinion(me);
  await me.delete(`/minions/${second.id}`);
  const { body } = await me.get("/minions/scores");
  expect(body).toEqual({
    success: true,
    total: 1,
    scores: [{ id, name: "ada", display_name: "Ada", score, score_breakdown: parts }],
  });
});

test("the progression sums all minions and lists the next unlocks, the nearest first", async () => {
  const start = (await me.get("/me/progression")).body;
  expect(start).toMatchObject({ experience: 0, level: 1, minions: 1, max_minions: 2, max_spirits_per_minion: 3 });
  expect(start.unlocked_spirits).toHaveLength(5);
  await setExperience(api.database, id, 700);
  await setExperience(api.database, await insertMinion(api.database, person.id, { deleted_at: new Date() }), 300);
  const { body } = await me.get("/me/progression");
  expect(body).toMatchObject({ experience: 1_000, level: 6, rank: "Skilled", rank_level: 1, minions: 1 });
  expect(body.unlocked_spirits).toEqual(expect.arrayContaining(["Creative Spirit", "Communicator Spirit"]));
  const missing = (body.next_unlocks as { xp_missing: number }[]).map(({ xp_missing }) => xp_missing);
  expect(missing).toEqual(missing.toSorted((a, b) => a - b));
  expect(missing[0]).toBe(800);
  const unlock = { kind: "spirit", name: "Debugger Spirit", rank: "Skilled", rank_level: 3, xp_missing: 1_600 };
  expect(body.next_unlocks).toContainEqual(unlock);
});
