import { beforeEach, expect, test } from "vitest";
import { bodyOf, useApi } from "../../support/api.ts";
import { authHeader, createUser, type Person } from "../../support/users.ts";

const api = useApi();
let person: Person;

beforeEach(async () => {
  person = await createUser(api);
});

const create = (body: object, owner = person) =>
  api.get("/api/v2/api-keys", {
    method: "POST",
    headers: { ...authHeader(owner.token), "content-type": "application/json" },
    body: JSON.stringify({ name: "a key", scopes: ["account.read"], ...body }),
  });
const statusOf = async (key: string, path = "/api/v2/me") => (await api.get(path, { headers: authHeader(key) })).status;

test("an API key is shown once and stored as a hash", async () => {
  const reply = await create({ name: "deploys", scopes: ["account.read", "minions.read"] });
  expect(reply.status).toBe(201);
  const { api_key, key } = await bodyOf(reply);
  expect(key).toMatch(/^sf_[\w-]{43}$/);
  expect(api_key).toMatchObject({
    name: "deploys",
    prefix: key.slice(0, 10),
    scopes: ["account.read", "minions.read"],
    expires_at: null,
  });
  const list = await bodyOf(await api.get("/api/v2/api-keys", { headers: authHeader(person.token) }));
  expect(list).toEqual({ success: true, api_keys: [api_key], total: 1 });
  expect(JSON.stringify(await api.database.sql("select * from api_keys where user_id = $1", [person.id]))).not.toContain(key);
});

test("an API key works within its scopes for its owner", async () => {
  const { key } = await bodyOf(await create({}));
  const { user } = await bodyOf(await api.get("/api/v2/me", { headers: authHeader(key) }));
  expect(user.id).toBe(person.id);
  const patch = await api.get("/api/v2/me", {
    method: "PATCH",
    headers: { ...authHeader(key), "content-type": "application/json" },
    body: "{}",
  });
  expect(patch.status).toBe(403);
});

test("an API key never has access to passwords, keys or roles, whatever its scopes", async () => {
  const admin = await createUser(api, ["superuser"]);
  const { key } = await bodyOf(await create({ scopes: ["account.read", "account.write", "admin.read", "admin.write"] }, admin));
  expect(await statusOf(key, "/api/v2/admin/users")).toBe(200);
  expect(await statusOf(key, "/api/v2/api-keys")).toBe(403);
  for (const [method, path] of [
    ["POST", "/api/v2/api-keys"],
    ["POST", "/api/auth/change-password"],
    ["PUT", `/api/v2/admin/users/${person.id}/roles`],
    ["DELETE", "/api/v2/sessions"],
  ]) {
    expect((await api.get(path!, { method: method!, headers: authHeader(key) })).status).toBe(403);
  }
});

test("an API key cannot have scopes that its owner lacks, and loses those that the owner loses", async () => {
  const refused = await create({ scopes: ["account.read", "admin.read"] });
  expect(refused.status).toBe(422);
  expect((await bodyOf(refused)).errors).toMatchObject([{ path: "scopes.1" }]);

  const admin = await createUser(api, ["superuser"]);
  const { key } = await bodyOf(await create({ scopes: ["admin.read"] }, admin));
  await api.database.sql("update users set roles = '{user}' where id = $1", [admin.id]);
  expect(await statusOf(key, "/api/v2/admin/users")).toBe(403);
});

test("an API key stops working when it expires or is revoked", async () => {
  const soon = new Date(Date.now() + 60_000).toISOString();
  const { api_key, key } = await bodyOf(await create({ expires_at: soon }));
  expect(await statusOf(key)).toBe(200);
  const gone = await api.get(`/api/v2/api-keys/${api_key.id}`, { method: "DELETE", headers: authHeader(person.token) });
  expect(gone.status).toBe(200);
  expect(await statusOf(key)).toBe(401);

  const { api_key: second, key: expired } = await bodyOf(await create({ expires_at: soon }));
  await api.database.sql("update api_keys set expires_at = now() - interval '1 second' where id = $1", [second.id]);
  expect(await statusOf(expired)).toBe(401);
});

test.each([
  [{ name: "" }, "name"],
  [{ scopes: [] }, "scopes"],
  [{ scopes: ["everything"] }, "scopes.0"],
  [{ scopes: ["account.read", "account.read"] }, "scopes"],
  [{ expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
  [{ expires_at: "tomorrow" }, "expires_at"],
])("an API key with %j is refused at %s", async (change, path) => {
  const reply = await create(change);
  expect(reply.status).toBe(422);
  expect((await bodyOf(reply)).errors).toMatchObject([{ path }]);
});

test("the audit log records actions on keys without the key", async () => {
  const { key, api_key } = await bodyOf(await create({}));
  await api.get(`/api/v2/api-keys/${api_key.id}`, { method: "DELETE", headers: authHeader(person.token) });
  const rows = await api.database.sql("select * from audit_log where actor_user_id = $1 order by id", [person.id]);
  expect(rows.map(({ action }) => action)).toEqual(["api_key.created", "api_key.revoked"]);
  expect(JSON.stringify(rows)).not.toContain(key);
});
