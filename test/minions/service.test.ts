import { beforeEach, describe, expect, test } from "vitest";
import { subscribe } from "../billing/support/billing.ts";
import { useApi } from "../support/api.ts";
import { createUser, type Person } from "../support/users.ts";
import {
  clientOf,
  databaseTrips,
  faultsIn,
  grantSpirits,
  idsOf,
  insertMinion,
  makeMinion,
  newMinion,
  refusalIn,
  setExperience,
  spirits,
  type Client,
} from "./support/minions.ts";

const api = useApi();
let person: Person;
let me: Client;

beforeEach(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
});

const stranger = async () => clientOf(api, await createUser(api));
const rowsOf = ({ id }: Person) => api.database.sql("select * from spirit_minions where user_id = $1 order by id", [id]);

describe("a new minion", () => {
  test("it is at level 1 on the given model with default settings", async () => {
    const { status, body } = await me.post("/minions", { name: " ada ", display_name: " Ada ", model: "builtin/extractive" });
    expect([status, body.success]).toEqual([201, true]);
    for (const part of [
      { user_id: person.id, name: "ada", display_name: "Ada", model: "builtin/extractive", provider: "builtin" },
      { description: "", personality: "", system_prompt: "", temperature: null, top_p: null, max_tokens: null },
      { rag_enabled: false, knowledge_base_id: null, top_k: 4, similarity_threshold: 0, retrieval_method: "hybrid" },
      { citations_enabled: true, visibility: "private", class: null, traits: {}, trait_slots: 0, trait_points: 10 },
      { experience: 0, total_training_xp: 0, total_usage_xp: 0, level: 1, rank: "Novice", rank_level: 1 },
      { xp_to_next_level: 200, xp_progress_percentage: 0, spirits: [], spirit_slots: 3, is_favorite: false },
      {
        synergy: { synergy_bonus: 0, conflict_penalty: 0, net_performance: 0 },
        avatar_url: null,
        version: 1,
        deleted_at: null,
      },
      { model_summary: { kind: "language", provider: "builtin", supports_tools: false } },
    ]) {
      expect(body.minion).toMatchObject(part);
    }
    expect(body).not.toHaveProperty("skipped");
    const { score, score_breakdown: parts } = body.minion;
    expect(score).toBe(parts.total);
    expect(JSON.stringify(body)).not.toMatch(/mn_|token_hash|avatar_key|class_id|"owned"/);
    expect((await me.get(`/minions/${body.minion.id}`)).body.minion).toEqual(body.minion);
  });

  test("it is on a local model by default", async () => {
    expect(await makeMinion(me, { model: undefined })).toMatchObject({ model: "builtin/extractive", provider: "builtin" });
  });

  test("it keeps all given fields", async () => {
    const words = { description: "Helps", personality: "Dry", system_prompt: "Be brief.", visibility: "public" };
    const sampling = { temperature: 0.5, top_p: 1, max_tokens: 64 };
    const retrieval = { rag_enabled: true, top_k: 20, similarity_threshold: 0.25, retrieval_method: "keyword" };
    const fields = { ...words, ...sampling, ...retrieval, citations_enabled: false };
    expect(await makeMinion(me, fields)).toMatchObject(fields);
  });

  test.each([
    ["name", { name: "" }],
    ["name", { name: " \t " }],
    ["name", { name: "x".repeat(81) }],
    ["name", { name: undefined }],
    ["display_name", { display_name: 7 }],
    ["model", { model: "" }],
    ["model", { model: null }],
    ["model", { model: "workers-ai/@cf/meta/llama-3.3-70b-instruct-fp8-fast" }],
    ["model", { model: "builtin/unknown" }],
    ["model", { model: "nobody/extractive" }],
    ["model", { model: "builtin/hashing-384" }],
    ["temperature", { temperature: 2.1 }],
    ["top_p", { top_p: -0.1 }],
    ["max_tokens", { max_tokens: 0 }],
    ["top_k", { top_k: 0 }],
    ["top_k", { top_k: 21 }],
    ["similarity_threshold", { similarity_threshold: 1.01 }],
    ["retrieval_method", { retrieval_method: "magic" }],
    ["visibility", { visibility: "friends" }],
    ["knowledge_base_id", { knowledge_base_id: 7 }],
    ["template_id", { template_id: 999 }],
    ["class_name", { class_name: "Wizard" }],
  ])("an invalid %s is refused: %j", async (field, given) => {
    const refused = await me.post("/minions", newMinion(given));
    expect([refused.status, faultsIn(refused)]).toEqual([422, [field]]);
    expect(await rowsOf(person)).toEqual([]);
  });

  test("a text that Postgres cannot store is refused with 422", async () => {
    for (const given of [
      { name: "a\u0000b" },
      { display_name: "\u0000" },
      { description: "x\u0000" },
      { class_name: "\u0000" },
    ]) {
      expect([400, 422]).toContain((await me.post("/minions", newMinion(given))).status);
    }
    for (const given of [{ name: "a\ud800" }, { description: "\udfff" }]) {
      expect((await me.post("/minions", newMinion(given))).status).toBeLessThan(500);
    }
  });

  test("its display name is unique for its owner regardless of case", async () => {
    await makeMinion(me, { display_name: "Élan Vital" });
    for (const display_name of ["Élan Vital", "élan VITAL ", "ÉLAN vital"]) {
      expect(refusalIn(await me.post("/minions", newMinion({ display_name })))).toEqual([409, "display_name_taken"]);
    }
    expect(await makeMinion(await stranger(), { display_name: "Élan Vital" })).toMatchObject({ display_name: "Élan Vital" });
  });

  test("it is refused above the limit of the plan", async () => {
    await makeMinion(me);
    await makeMinion(me);
    expect(refusalIn(await me.post("/minions", newMinion()))).toEqual([409, "minion_limit_reached"]);
    await subscribe(api.database, person.id, { plan: 2 });
    for (let i = 0; i < 3; i++) await makeMinion(me);
    expect(refusalIn(await me.post("/minions", newMinion()))).toEqual([409, "minion_limit_reached"]);
  });

  test("it is never refused by a plan without a limit", async () => {
    await subscribe(api.database, person.id, { plan: 4 });
    await api.database.sql(
      `insert into spirit_minions (user_id, name, display_name, model)
       select $1, 'ada', 'many ' || n, 'builtin/extractive' from generate_series(1, 60) n`,
      [person.id],
    );
    expect(await makeMinion(me)).toMatchObject({ spirit_slots: 5 });
  });
});

describe("a template", () => {
  test("it equips in order what is unlocked and owned, and explains what it skips", async () => {
    const { body } = await me.post("/minions", newMinion({ template_id: 1 }));
    expect(idsOf(body.minion.spirits)).toEqual([spirits.builder, spirits.analyst, spirits.checker]);
    expect(body.minion.synergy.synergy_bonus).toBeGreaterThan(0);
    expect(body.skipped).toEqual([
      { spirit: "Debugger Spirit", code: "spirit_locked" },
      { spirit: "Security Spirit", code: "spirit_locked" },
    ]);
  });

  test("it fills the slots and no more", async () => {
    const { body } = await me.post("/minions", newMinion({ template_id: 14 }));
    expect(idsOf(body.minion.spirits)).toEqual([spirits.builder, spirits.writer, spirits.analyst]);
    expect(body.skipped.map(({ code }: { code: string }) => code)).toEqual(["spirit_limit_reached", "spirit_limit_reached"]);
  });

  test("it depends on the experience and the access of its owner", async () => {
    await setExperience(api.database, await insertMinion(api.database, person.id), 1_000);
    const { body } = await me.post("/minions", newMinion({ template_id: 5 }));
    expect(idsOf(body.minion.spirits)).toEqual([spirits.writer]);
    expect(body.skipped).toEqual([
      { spirit: "Creative Spirit", code: "spirit_not_owned" },
      { spirit: "Translator Spirit", code: "spirit_not_owned" },
      { spirit: "Communicator Spirit", code: "spirit_not_owned" },
      { spirit: "Educator Spirit", code: "spirit_locked" },
    ]);
  });

  test("it reports an empty list if nothing is skipped", async () => {
    await subscribe(api.database, person.id, { plan: 4 });
    const { body } = await me.post("/minions", newMinion({ template_id: 14 }));
    expect([body.minion.spirits.length, body.skipped]).toEqual([5, []]);
  });
});

describe("a class", () => {
  test("it equips all of its spirits", async () => {
    const made = await makeMinion(me, { class_name: "swiss army KNIFE" });
    expect(made).toMatchObject({ class: { class_name: "Swiss Army Knife" }, version: 1 });
    expect(idsOf(made.spirits)).toEqual([spirits.builder, spirits.writer, spirits.analyst]);
  });

  test("a class with missing spirits creates no minion and lists what is missing", async () => {
    const locked = await me.post("/minions", newMinion({ class_name: "Developer" }));
    expect(refusalIn(locked)).toEqual([403, "spirit_locked"]);
    expect(locked.body.missing).toEqual([{ spirit: "Debugger Spirit", code: "spirit_locked" }]);
    expect(await rowsOf(person)).toEqual([]);
    await setExperience(api.database, await insertMinion(api.database, person.id), 2_600);
    const unowned = await me.post("/minions", newMinion({ class_name: "Developer" }));
    expect(refusalIn(unowned)).toEqual([402, "spirit_not_owned"]);
    expect(unowned.body.missing).toEqual([{ spirit: "Debugger Spirit", code: "spirit_not_owned" }]);
    await grantSpirits(api.database, person.id, [spirits.debugger]);
    const made = await makeMinion(me, { class_name: "Developer" });
    expect(idsOf(made.spirits)).toEqual([spirits.builder, spirits.debugger, spirits.checker]);
  });

  test("it takes precedence over a template, which fills the remaining slots", async () => {
    await subscribe(api.database, person.id, { plan: 4 });
    const { body } = await me.post("/minions", newMinion({ class_name: "Swiss Army Knife", template_id: 14 }));
    expect(idsOf(body.minion.spirits)).toEqual([
      spirits.builder,
      spirits.writer,
      spirits.analyst,
      spirits.connector,
      spirits.checker,
    ]);
    expect(body.skipped).toEqual([]);
  });
});

describe("a repeated request for a minion", () => {
  const keyed = { "idempotency-key": "create-1" };

  test("it creates one minion and returns it", async () => {
    const wanted = newMinion({ template_id: 14 });
    const first = await me.post("/minions", wanted, keyed);
    const second = await me.post("/minions", wanted, keyed);
    expect([second.status, second.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
    expect(second.body.minion).toEqual(first.body.minion);
    expect(await rowsOf(person)).toHaveLength(1);
    const reused = await me.post("/minions", newMinion(), keyed);
    expect(refusalIn(reused)).toEqual([422, "idempotency_key_reused"]);
  });

  test("concurrent ones create one minion too", async () => {
    const wanted = newMinion();
    const twins = await Promise.all(Array.from({ length: 6 }, () => me.post("/minions", wanted, keyed)));
    expect(new Set(twins.map(({ status, body }) => `${status} ${body.minion?.id}`)).size).toBe(1);
    expect(await rowsOf(person)).toHaveLength(1);
  });

  test("a repetition after a refusal is a new request", async () => {
    await makeMinion(me, { display_name: "Taken" });
    const wanted = newMinion({ display_name: "taken" });
    expect(refusalIn(await me.post("/minions", wanted, keyed))).toEqual([409, "display_name_taken"]);
    await api.database.sql("update spirit_minions set display_name = 'Other' where user_id = $1", [person.id]);
    expect((await me.post("/minions", wanted, keyed)).status).toBe(201);
  });
});

test("each request makes one Postgres round trip when everything else is cached", async () => {
  const { id } = await makeMinion(me);
  await subscribe(api.database, person.id, { plan: 4 });
  const request = {
    list: await me.get("/minions?sort=experience&q=a"),
    create: await me.post("/minions", newMinion({ class_name: "Swiss Army Knife", template_id: 1 }), {
      "idempotency-key": "one",
    }),
    read: await me.get(`/minions/${id}`),
    edit: await me.patch(`/minions/${id}`, { name: "eve" }, { "if-match": '"1"' }),
    equip: await me.post(`/minions/${id}/spirits`, { spirit_id: spirits.writer }),
    loadout: await me.put(`/minions/${id}/spirits`, { spirit_ids: [spirits.analyst] }),
    unequip: await me.delete(`/minions/${id}/spirits/${spirits.analyst}`),
    available: await me.get(`/minions/${id}/spirits/available`),
    synergy: await me.get(`/minions/${id}/spirits/synergy?with=1,2`),
    class: await me.post(`/minions/${id}/class`, { class_name: "Swiss Army Knife" }),
    traits: await me.put(`/minions/${id}/traits`, { traits: {} }),
    tools: await me.get(`/minions/${id}/tools`),
    score: await me.get(`/minions/${id}/score`),
    scores: await me.get("/minions/scores"),
    history: await me.get(`/minions/${id}/xp`),
    progression: await me.get("/me/progression"),
    favourite: await me.post(`/minions/${id}/toggle-favorite`),
    delete: await me.delete(`/minions/${id}`),
    restore: await me.post(`/minions/${id}/restore`),
  };
  expect(Object.entries(request).filter(([, answer]) => answer.status >= 400)).toEqual([]);
  const trips = Object.entries(request).map(([name, answer]) => [name, databaseTrips(answer)]);
  expect(trips).toEqual(Object.keys(request).map((name) => [name, 1]));
});
