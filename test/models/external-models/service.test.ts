import { beforeEach, describe, expect, test } from "vitest";
import {
  clientOf,
  databaseTrips,
  faultsIn,
  filesOf,
  makeMinion,
  picture,
  refusalIn,
  type Client,
} from "../../minions/support/minions.ts";
import { bodyOf, useApi } from "../../support/api.ts";
import { providerKey } from "../../support/canary.ts";
import { authHeader, createUser, type Person } from "../../support/users.ts";
import { goodKey, keysOf, makeModel, newModel } from "../support/connected-provider.ts";

const api = useApi();
let person: Person;
let me: Client;

beforeEach(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
  // Round trips are counted of a session that is known.
  await me.get("/external-models");
});

/** The documented keys of a model. */
const contractKeys = [
  ..."id name display_name description provider model_id base_url capabilities parameters context_length max_tokens".split(" "),
  ..."quantization architecture license embedding_length temperature top_p system_prompt experience level rank".split(" "),
  ..."rank_level total_training_xp total_usage_xp xp_to_next_level is_active is_favorite tags avatar_url type created_at".split(
    " ",
  ),
];
const furtherKeys = ["key_last_four", "key_rejected_at", "provider_display_name", "quirks", "updated_at", "version"];

const keyRow = async (id: number) =>
  (await api.database.sql("select key_sealed, key_ref, key_last_four, version from external_models where id = $1", [id]))[0]!;

describe("an external model", () => {
  test("creating a model makes one round trip and returns the documented keys", async () => {
    const given = { description: "Mine", parameters: "70B", context_length: 8_192, temperature: 0.7, tags: ["fast"] };
    const made = await me.post("/external-models", newModel(given));
    expect([made.status, databaseTrips(made)]).toEqual([201, 1]);
    expect(keysOf(made.body)).toEqual(["message", "model", "model_id", "success"]);
    const { model, model_id } = made.body;
    expect(keysOf(model)).toEqual([...contractKeys, ...furtherKeys].toSorted());
    expect(model).toMatchObject({
      id: model_id,
      ...given,
      type: "external_api",
      capabilities: ["chat", "tools"],
      experience: 0,
      level: 1,
      rank: "Novice",
      key_last_four: null,
      is_active: true,
      version: 1,
    });
    expect(model.created_at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const one = await me.get(`/external-models/${model_id}`);
    expect([one.body, one.headers.get("etag"), databaseTrips(one)]).toEqual([{ success: true, model }, '"1"', 1]);
  });

  test("the display name defaults to the name and is unique regardless of case", async () => {
    const { display_name: _, ...unnamed } = newModel({ name: "Llama" });
    expect((await me.post("/external-models", unnamed)).body.model.display_name).toBe("Llama");
    expect(refusalIn(await me.post("/external-models", { ...unnamed, name: "LLAMA" }))).toEqual([409, "display_name_taken"]);
    const other = await makeModel(me);
    expect(refusalIn(await me.put(`/external-models/${other.id}`, { display_name: "llama" }))).toEqual([
      409,
      "display_name_taken",
    ]);
    const theirs = clientOf(api, await createUser(api));
    expect((await theirs.post("/external-models", unnamed)).status).toBe(201);
  });

  test.each([
    [{ parameters: { parameter_size: "8B", note: "quantised" } }, { parameters: { parameter_size: "8B", note: "quantised" } }],
    [{ parameters: "7" }, { parameters: "7" }],
    [{ parameters: "true" }, { parameters: "true" }],
    [{ base_url: "" }, { base_url: null }],
    [{ api_key: "" }, { key_last_four: null }],
    [{ model_id: "my-embedder" }, { capabilities: ["embedding"] }],
  ])("a model created with %j has %j", async (given, has) => {
    const { id } = await makeModel(me, given);
    expect((await me.get(`/external-models/${id}`)).body.model).toMatchObject(has);
  });

  test.each([
    [{ temperature: 2.1 }, "temperature"],
    [{ temperature: -0.1 }, "temperature"],
    [{ top_p: 1.1 }, "top_p"],
    [{ max_tokens: 0 }, "max_tokens"],
    [{ context_length: 1.5 }, "context_length"],
    [{ provider: "nobody" }, "provider"],
    [{ name: " " }, "name"],
    [{ model_id: "" }, "model_id"],
    [{ tags: "fast" }, "tags"],
    [{ parameters: [1] }, "parameters"],
    [{ api_key: "with a space" }, "api_key"],
    [{ base_url: "http://models.example.com/v1" }, "base_url"],
    [{ base_url: "https://127.0.0.1/v1" }, "base_url"],
    [{ base_url: "https://[::1]/v1" }, "base_url"],
    [{ base_url: "https://localhost/v1" }, "base_url"],
    [{ base_url: "https://169.254.169.254/latest" }, "base_url"],
    [{ base_url: "https://metadata.google.internal/" }, "base_url"],
    [{ base_url: "https://2130706433/" }, "base_url"],
    [{ base_url: "https://10.0.0.1.nip.io/" }, "base_url"],
    [{ base_url: "https://user:secret@models.example.com/v1" }, "base_url"],
    [{ base_url: "not a url" }, "base_url"],
  ])("a model with %j is refused at %s", async (given, path) => {
    const refused = await me.post("/external-models", newModel(given));
    expect([refused.status, faultsIn(refused)]).toEqual([422, [path]]);
    const { id } = await makeModel(me);
    const edit = await me.put(`/external-models/${id}`, given);
    expect([edit.status, faultsIn(edit)]).toEqual([422, [path]]);
  });

  test("a user has at most a hundred models", async () => {
    await api.database.sql(
      `insert into external_models (user_id, name, display_name, provider, model_id)
       select $1, 'gpt', 'Many ' || n, 'custom', 'my-model' from generate_series(1, 99) n`,
      [person.id],
    );
    const last = await makeModel(me);
    const refused = await me.post("/external-models", newModel({ api_key: goodKey }));
    expect(refusalIn(refused)).toEqual([409, "model_limit_reached"]);
    expect(await api.database.sql("select 1 from user_data_keys where user_id = $1", [person.id])).toEqual([]);
    await makeModel(clientOf(api, await createUser(api)));
    await me.delete(`/external-models/${last.id}`);
    expect((await me.post("/external-models", newModel())).status).toBe(201);
  });

  test("the list has only the user's own models, paginated, newest first", async () => {
    const ids: number[] = [];
    for (let made = 0; made < 3; made += 1) ids.unshift((await makeModel(me)).id);
    await makeModel(clientOf(api, await createUser(api)));
    const first = await me.get("/external-models?limit=2");
    expect(keysOf(first.body)).toEqual(["count", "data", "message", "models", "next_cursor", "success", "total"]);
    expect(first.body).toMatchObject({ count: 2, data: first.body.models });
    expect([first.body.total, databaseTrips(first)]).toEqual([3, 1]);
    const second = await me.get(`/external-models?limit=2&cursor=${first.body.next_cursor}`);
    expect(keysOf(second.body)).toEqual(["count", "data", "message", "models", "success", "total"]);
    const listed = [...first.body.models, ...second.body.models] as { id: number }[];
    expect(listed.map(({ id }) => id)).toEqual(ids);
  });

  test("an edit changes the given fields and is refused if another edit came first", async () => {
    const { id } = await makeModel(me, { description: "one", top_p: 0.5 });
    const edit = await me.put(`/external-models/${id}`, { description: "two" });
    expect(keysOf(edit.body)).toEqual(["message", "model", "success"]);
    expect(edit.body.model).toMatchObject({ description: "two", top_p: 0.5, version: 2 });
    expect([edit.headers.get("etag"), databaseTrips(edit)]).toEqual(['"2"', 1]);
    const reply = await api.get(`/api/v2/external-models/${id}`, {
      method: "PUT",
      headers: { ...authHeader(person.token), "content-type": "application/json", "if-match": 'W/"1"' },
      body: JSON.stringify({ description: "three" }),
    });
    expect([reply.status, (await bodyOf(reply)).code]).toEqual([412, "precondition_failed"]);
    expect(faultsIn(await me.put(`/external-models/${id}`, {}))).toEqual([""]);
  });

  test("marking a favorite does not count as an edit", async () => {
    const { id } = await makeModel(me);
    const toggled = await me.post(`/external-models/${id}/toggle-favorite`);
    expect(toggled.body).toEqual({ success: true, message: "Model marked as a favorite.", is_favorite: true });
    expect((await me.post(`/external-models/${id}/toggle-favorite`)).body.is_favorite).toBe(false);
    expect((await me.get(`/external-models/${id}`)).body.model.version).toBe(1);
  });

  test("an avatar is stored and deleted with its model", async () => {
    const { id } = await makeModel(me);
    const put = async (bytes: Uint8Array<ArrayBuffer>) => {
      const headers = { ...authHeader(person.token), "content-type": "image/png" };
      return api.get(`/api/v2/external-models/${id}/avatar`, { method: "POST", headers, body: bytes });
    };
    const reply = await bodyOf(await put(picture("png")));
    expect(keysOf(reply)).toEqual(["avatar_url", "message", "success"]);
    expect(reply.avatar_url).toMatch(new RegExp(`^/api/v2/avatars/${person.id}/model-${id}-[\\w-]{28}\\.png$`));
    const served = await api.get(reply.avatar_url as string);
    expect([served.status, served.headers.get("content-type")]).toEqual([200, "image/png"]);
    expect((await put(new Uint8Array(Buffer.from("hello")))).status).toBe(415);
    await put(picture("gif"));
    await expect.poll(() => filesOf(api, person)).toHaveLength(1);
    const { body } = await me.delete(`/external-models/${id}`);
    expect(keysOf(body)).toEqual(["message", "success"]);
    await expect.poll(() => filesOf(api, person)).toEqual([]);
    expect((await me.get(`/external-models/${id}`)).status).toBe(404);
  });

  test("an avatar for another user's model is refused and not stored", async () => {
    const { id } = await makeModel(clientOf(api, await createUser(api)));
    const init = { method: "POST", headers: authHeader(person.token), body: picture("png") };
    expect((await api.get(`/api/v2/external-models/${id}/avatar`, init)).status).toBe(404);
    await expect.poll(() => filesOf(api, person)).toEqual([]);
  });
});

describe("the API key of a model", () => {
  test("a key is sealed, shown by its last four characters, and costs one round trip", async () => {
    const made = await me.post("/external-models", newModel({ api_key: goodKey }));
    expect([made.status, databaseTrips(made), made.body.model.key_last_four]).toEqual([201, 2, "wxyz"]);
    const row = await keyRow(made.body.model_id);
    expect(row["key_sealed"]).toMatch(/^v1\./);
    expect(JSON.stringify(row)).not.toContain(goodKey);
    expect(await api.database.sql("select version from user_data_keys where user_id = $1", [person.id])).toEqual([
      { version: 1 },
    ]);
  });

  test("an edit keeps the key, null removes it, and a new one replaces it", async () => {
    const { id } = await makeModel(me, { api_key: goodKey });
    const before = await keyRow(id);
    await me.put(`/external-models/${id}`, { description: "two", api_key: "" });
    expect(await keyRow(id)).toEqual({ ...before, version: 2 });
    expect((await me.put(`/external-models/${id}`, { api_key: providerKey("another-1234") })).body.model.key_last_four).toBe(
      "1234",
    );
    expect((await keyRow(id))["key_ref"]).not.toBe(before["key_ref"]);
    expect((await me.put(`/external-models/${id}`, { api_key: null })).body.model.key_last_four).toBeNull();
    expect(await keyRow(id)).toMatchObject({ key_sealed: null, key_ref: null });
  });

  test("a key is sent only to the base URL that it was given for", async () => {
    const { id } = await makeModel(me, { api_key: goodKey });
    for (const change of [{ base_url: "https://thief.example.com/v1" }, { base_url: null }, { provider: "openai" }]) {
      const refused = await me.put(`/external-models/${id}`, change);
      expect(refusalIn(refused)).toEqual([422, "validation_failed"]);
      expect(faultsIn(refused)).toEqual(["api_key"]);
    }
    expect((await me.put(`/external-models/${id}`, { base_url: "https://models.example.com/v1" })).status).toBe(200);
    const moved = { base_url: "https://other.example.com/v1", api_key: providerKey("another-1234") };
    expect((await me.put(`/external-models/${id}`, moved)).body.model).toMatchObject({ base_url: moved.base_url });
  });

  test("the keys of concurrently created models are all kept under one data key", async () => {
    const made = await Promise.all(
      Array.from({ length: 6 }, () => me.post("/external-models", newModel({ api_key: goodKey }))),
    );
    expect(made.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 201));
    const rows = await api.database.sql("select key_sealed from external_models where user_id = $1", [person.id]);
    expect(new Set(rows.map(({ key_sealed }) => key_sealed)).size).toBe(6);
    expect(await api.database.sql("select 1 from user_data_keys where user_id = $1", [person.id])).toHaveLength(1);
  });
});

describe("a minion on an external model", () => {
  test("the minion shows its model, which cannot be deleted while in use", async () => {
    const model = await makeModel(me, {
      parameters: "70B",
      context_length: 131_072,
      capabilities: ["chat", "tools", "vision"],
    });
    const minion = await makeMinion(me, { model: model.id });
    expect(minion).toMatchObject({
      model: String(model.id),
      external_model_id: model.id,
      provider: "custom",
      provider_display_name: "Custom (OpenAI-compatible)",
      model_summary: {
        kind: "language",
        model_id: "my-model",
        display_name: model["display_name"],
        parameters_billions: 70,
        context_length: 131_072,
        supports_tools: true,
      },
    });
    const builtin = await makeMinion(me);
    expect(minion.score).toBeGreaterThan(builtin.score);
    expect(refusalIn(await me.delete(`/external-models/${model.id}`))).toEqual([409, "conflict"]);
    await me.delete(`/minions/${minion.id}`);
    expect(refusalIn(await me.delete(`/external-models/${model.id}`))).toEqual([409, "conflict"]);
    await me.post(`/minions/${minion.id}/restore`);
    const moved = await me.patch(`/minions/${minion.id}`, { model: "builtin/extractive" });
    expect(moved.body.minion).toMatchObject({ external_model_id: null, provider: "builtin" });
    expect((await me.delete(`/external-models/${model.id}`)).status).toBe(200);
  });

  test("the minion's experience counts for the model, and no longer when it is trashed", async () => {
    const { id } = await makeModel(me);
    const minions = [await makeMinion(me, { model: String(id) }), await makeMinion(me, { model: String(id) })];
    await api.database.sql(
      "update spirit_minions set total_training_xp = 700, total_usage_xp = 100 where external_model_id = $1",
      [id],
    );
    const standing = async () => (await me.get(`/external-models/${id}`)).body.model;
    expect(await standing()).toMatchObject({
      experience: 1_600,
      total_training_xp: 1_400,
      total_usage_xp: 200,
      level: 6,
      rank: "Skilled",
      rank_level: 1,
      xp_to_next_level: 200,
    });
    await me.delete(`/minions/${minions[0]!.id}`);
    expect((await standing()).experience).toBe(800);
  });

  test.each(["deleted", "foreign", "embedding", "inactive", "none"])(
    "a model that is %s is refused with its path",
    async (what) => {
      const owner = what === "foreign" ? clientOf(api, await createUser(api)) : me;
      const given = { embedding: { model_id: "my-embedder" }, inactive: { is_active: false } }[what] ?? {};
      const { id } = await makeModel(owner, given);
      if (what === "deleted") await me.delete(`/external-models/${id}`);
      const model = what === "none" ? "2147483647" : String(id);
      const minion = { name: "ada", display_name: "Ada", model };
      const refused = await me.post("/minions", minion);
      expect([refused.status, faultsIn(refused)]).toEqual([422, ["model"]]);
      const mine = await makeMinion(me);
      const edit = await me.patch(`/minions/${mine.id}`, { model });
      expect([edit.status, faultsIn(edit)]).toEqual([422, ["model"]]);
      expect((await me.get(`/minions/${mine.id}`)).body.minion.version).toBe(1);
    },
  );

  test("the database itself refuses another user's model", async () => {
    const { id } = await makeModel(clientOf(api, await createUser(api)));
    const mine = await makeMinion(me);
    const steal = api.database.sql("update spirit_minions set external_model_id = $1 where id = $2", [id, mine.id]);
    await expect(steal).rejects.toThrow("minion_model_owned");
  });
});
