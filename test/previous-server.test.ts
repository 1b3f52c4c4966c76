import { beforeEach, describe, expect, test } from "vitest";
import { bodyOf, useApi } from "./support/api.ts";
import { clientOf, faultsIn, makeMinion, picture, refusalIn, type Client } from "./minions/support/minions.ts";
import { upload } from "./datasets/support/upload.ts";
import { authHeader, createUser, type Person } from "./support/users.ts";

/** What the web client of the previous server calls, besides the 40 endpoints whose JSON is fixed. */

const api = useApi();
let person: Person;
let client: Client;
let minionId: number;
let displayName: string;

beforeEach(async () => {
  person = await createUser(api);
  client = clientOf(api, person);
  ({ id: minionId, display_name: displayName } = await makeMinion(client));
});

const fill = (path: string, userId = person.id) => path.replace("{u}", String(userId)).replace("{m}", String(minionId));

/** Method, path, body, status, and what the reply has. `{u}` is the user, `{m}` their minion. */
const calls: readonly (readonly [string, string, unknown, number, object])[] = [
  [
    "GET",
    "/users/{u}/minions",
    undefined,
    200,
    { user_id: expect.any(Number), total: 1, minions: [{ display_name: expect.stringMatching(/^Ada/) }] },
  ],
  [
    "POST",
    "/users/{u}/minions",
    { name: "bea", title: "AI" },
    201,
    { minion: { display_name: "bea" }, message: expect.any(String) },
  ],
  ["GET", "/users/{u}/minions/health", undefined, 200, { total_minions: 1, status: "operational" }],
  ["GET", "/users/{u}/minions/{m}", undefined, 200, { minion: { name: "ada" } }],
  [
    "PUT",
    "/users/{u}/minions/{m}",
    { description: "New", x: 1 },
    200,
    { minion: { description: "New" }, updated_fields: ["description"] },
  ],
  ["PUT", "/users/{u}/minions/{m}/traits", { traits_intensities: {} }, 200, { traits: {}, score_updated: true }],
  ["POST", "/users/{u}/minions/{m}/toggle-favorite", undefined, 200, { is_favorite: true }],
  ["POST", "/users/{u}/minions/{m}/regenerate-token", undefined, 200, { new_token: expect.stringMatching(/^mn_/) }],
  ["POST", "/users/{u}/minions/{m}/chat", { message: "Hello" }, 200, { response: expect.any(String), rag_used: false }],
  [
    "GET",
    "/users/{u}/datasets",
    undefined,
    200,
    { user_id: expect.any(Number), datasets: expect.any(Array), total: expect.any(Number), message: expect.any(String) },
  ],
];

const call = (who: Client, [method, path, body]: (typeof calls)[number], userId?: number) => {
  const at = fill(path, userId);
  if (method === "GET") return who.get(at);
  return method === "PUT" ? who.put(at, body) : who.post(at, body);
};

describe.each(calls)("%s %s", (...row) => {
  const [method, path, , status, expected] = row;

  test("the reply has the form of the previous server", async () => {
    const reply = await call(client, row);
    expect(reply.status).toBe(status);
    expect(reply.body).toMatchObject({ success: true, ...expected });
    const { user_id = person.id, minion_id = minionId } = reply.body;
    const isNew = method === "POST" && path.endsWith("/minions");
    expect([user_id, minion_id]).toEqual([person.id, isNew ? reply.body.minion.id : minionId]);
  });

  test("the path is 404 for another user, and readable for an administrator", async () => {
    const [stranger, admin] = [await createUser(api), await createUser(api, ["user", "admin"])];
    const unknown = await call(clientOf(api, stranger), row, 2_000_000_000);
    const foreign = await call(clientOf(api, stranger), row);
    expect([refusalIn(foreign), foreign.body.detail]).toEqual([[404, "not_found"], unknown.body.detail]);
    expect((await call(clientOf(api, admin), row)).status).toBe(method === "GET" ? 200 : 404);
  });
});

test("a dataset of a user has its owner", async () => {
  await upload(api, person, "Some text about eagles.", "eagles.txt");
  const { body } = await client.get(fill("/users/{u}/datasets"));
  expect(body).toMatchObject({ user_id: person.id, datasets: [{ name: "eagles.txt", user_id: person.id, is_mine: true }] });
});

test("a refresh has the user, and a user their highest role", async () => {
  const admin = await createUser(api, ["user", "admin", "developer"]);
  for (const [who, role_name] of [
    [person, "user"],
    [admin, "admin"],
  ] as const) {
    const reply = await api.get("/api/auth/refresh", { method: "POST", headers: authHeader(who.token) });
    const { token, user } = await bodyOf(reply);
    expect([reply.status, user]).toMatchObject([200, { id: who.id, role_name, email: expect.stringContaining("@") }]);
    const verified = await api.get("/api/auth/verify", { headers: authHeader(token) });
    expect((await bodyOf(verified)).user).toEqual(user);
  }
});

describe("classes", () => {
  test.each([
    [undefined, { can_unlock: false, user_rank: "Novice", user_level: 1 }],
    [
      { user_rank: "Autonomous", user_level: 9, user_id: 1 },
      { can_unlock: true, user_rank: "Autonomous", user_level: 9 },
    ],
  ])("an unlock is a check (%j)", async (body, expected) => {
    const { body: all } = await client.get("/classes");
    const hardest = all.classes.find(({ unlock_rank }: { unlock_rank: string }) => unlock_rank !== "Novice");
    const reply = await client.post(`/classes/${encodeURIComponent(hardest.class_name)}/unlock`, body);
    const required = { required_rank: hardest.unlock_rank, required_level: hardest.unlock_level };
    expect([reply.status, reply.body]).toMatchObject([200, { class_name: hardest.class_name, ...required, ...expected }]);
    expect(reply.body.message).toContain(hardest.class_name);
    expect(refusalIn(await client.post("/classes/Unknown/unlock", body))).toEqual([404, "not_found"]);
    expect(faultsIn(await client.post(`/classes/Developer/unlock`, { user_level: 0 }))).toEqual(["user_level"]);
  });

  test("statistics count the classes, and the caller's minions with one", async () => {
    await client.post(fill("/minions/{m}/class"), { class_name: "Swiss Army Knife" });
    const { class_id } = (await api.database.sql("select class_id from spirit_minions where id = $1", [minionId]))[0]!;
    const { statistics } = (await client.get("/classes/statistics")).body;
    const { body } = await client.get("/classes");
    expect(statistics).toMatchObject({ total_classes: body.total, minions_with_classes: class_id === null ? 0 : 1 });
    for (const counts of [statistics.categories, statistics.unlock_ranks] as { count: number }[][]) {
      expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(body.total);
    }
    const anonymous = await bodyOf(await api.get("/api/v2/classes/statistics"));
    expect(anonymous.statistics.minions_with_classes).toBe(0);
  });
});

test("spirits and their synergy have data and the minion", async () => {
  const spirits = (await client.get(fill("/minions/{m}/spirits"))).body;
  expect(spirits).toMatchObject({ minion_id: minionId, data: spirits.spirits, total: spirits.data.length });
  const synergy = (await client.get(fill("/minions/{m}/spirits/synergy"))).body;
  expect(synergy).toMatchObject({ minion_id: minionId, data: synergy.synergy });
});

describe("external models", () => {
  const config = { name: "mine", provider: "groq", model_id: "llama", api_key: "gsk-secret-1234" };

  test("the list has data, count and message", async () => {
    await client.post("/external-models", config);
    const { body } = await client.get("/external-models");
    expect(body).toMatchObject({ data: body.models, count: 1, total: 1, message: "1 model found." });
  });

  test.each([
    [config, "configured", { has_api_key: true, has_base_url: true }],
    [{ ...config, api_key: "" }, "missing_api_key", { has_api_key: false, has_base_url: true }],
    [{ name: "own", provider: "custom", model_id: "m" }, "incomplete", { has_api_key: false, has_base_url: false }],
    [
      { name: "own", provider: "custom", model_id: "m", base_url: "https://models.example.com/v1" },
      "configured",
      { has_base_url: true },
    ],
  ])("the status of %j is %s", async (given, status, fields) => {
    const created = await client.post("/external-models", given);
    const reply = await client.get(`/external-models/${created.body.model_id}/status`);
    expect([reply.status, reply.body]).toMatchObject([
      200,
      { success: true, status, ...fields, provider: given.provider, model_id: given.model_id, minion_name: given.name },
    ]);
    expect(reply.body.status_message).toMatch(/\.$/);
    const stranger = clientOf(api, await createUser(api));
    for (const [who, id] of [
      [stranger, created.body.model_id],
      [client, 2_000_000_000],
    ] as const) {
      expect(refusalIn(await who.get(`/external-models/${id}/status`))).toEqual([404, "not_found"]);
    }
  });

  test("details of a model are found by a name with slashes, at every path, for its owner", async () => {
    await client.post("/external-models", { ...config, name: "meta/llama-3:8b" });
    for (const path of ["/api/v2/models", "/api/models-v2", "/api/models"]) {
      const reply = await api.get(`${path}/meta/llama-3:8b/details`, { headers: authHeader(person.token) });
      const body = await bodyOf(reply);
      expect(body).toMatchObject({
        success: true,
        model_name: "meta/llama-3:8b",
        model_type: "external_api",
        details: { model_type: "external_api", provider: "groq", temperature: null, parameters_config: { temperature: null } },
      });
      expect(JSON.stringify(body)).not.toContain("gsk-secret");
    }
    const stranger = clientOf(api, await createUser(api));
    expect(refusalIn(await stranger.get("/models/meta/llama-3:8b/details"))).toEqual([404, "not_found"]);
  });

  const post = async (fields: Record<string, string | File>, headers: Record<string, string> = {}) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    const init = { method: "POST", headers: { ...authHeader(person.token), ...headers }, body: form };
    const reply = await api.get("/api/v2/external-models", init);
    return { status: reply.status, headers: reply.headers, body: await bodyOf(reply) };
  };
  const png = new File([picture("png")], "face.png");

  test("a form is a model: plain fields, or all of them in modelData", async () => {
    const plain = {
      ...config,
      temperature: "0.5",
      max_tokens: "100",
      context_length: "",
      is_active: "true",
      capabilities: '["Chat", "Code"]',
      parameters: '{"size": "8B"}',
      tags: "fast, cheap,",
      unknown: "ignored",
    };
    const expected = {
      temperature: 0.5,
      max_tokens: 100,
      context_length: null,
      is_active: true,
      capabilities: ["Chat", "Code"],
      parameters: { size: "8B" },
      tags: ["fast", "cheap"],
      key_last_four: "1234",
      avatar_url: expect.stringMatching(/^\/api\/v2\/avatars\/.*\.png$/),
    };
    const first = await post({ ...plain, avatar: png });
    expect([first.status, first.body.model]).toMatchObject([201, expected]);
    expect((await api.get(first.body.model.avatar_url)).status).toBe(200);
    expect(JSON.stringify(first.body)).not.toContain(config.api_key);
    const modelData = JSON.stringify({
      ...plain,
      name: "other",
      temperature: 0.5,
      capabilities: ["Chat", "Code"],
      tags: ["fast", "cheap"],
    });
    const second = await post({ modelData, avatar: png });
    expect([second.status, second.body.model]).toMatchObject([201, { ...expected, name: "other" }]);
    const third = await post({ ...config, name: "third", parameters: "70B" }, { "idempotency-key": "form" });
    expect(third.body.model).toMatchObject({ parameters: "70B", avatar_url: null });
    const again = await post({ ...config, name: "third", parameters: "70B" }, { "idempotency-key": "form" });
    expect([again.status, again.body.model_id]).toEqual([201, third.body.model_id]);
  });

  test.each([
    [{ modelData: "{" }, ["modelData"]],
    [{ modelData: "[]" }, ["modelData"]],
    [{ ...config, capabilities: "[" }, ["capabilities"]],
    [{ ...config, temperature: "warm" }, ["temperature"]],
    [{ name: "mine" }, ["provider", "model_id"]],
  ])("a form with faults is refused (%j)", async (fields, faults) => {
    const refused = await post(fields);
    expect([refused.status, faultsIn(refused)]).toEqual([422, faults]);
  });

  test("a file that is no picture is refused, and nothing is made", async () => {
    const refused = await post({ ...config, avatar: new File(["text"], "face.png") });
    expect(refusalIn(refused)).toEqual([415, "unsupported_media_type"]);
    const large = await post({ ...config, avatar: new File([new Uint8Array(2 * 1024 * 1024 + 1)], "face.png") });
    expect(refusalIn(large)).toEqual([413, "payload_too_large"]);
    expect((await client.get("/external-models")).body.total).toBe(0);
  });
});

test("a minion keeps its name in every alias", async () => {
  expect((await client.get(fill("/users/{u}/minions/{m}"))).body).toEqual((await client.get(fill("/minions/{m}"))).body);
  expect(displayName).toMatch(/^Ada/);
});
