import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { sha256Hex } from "../../../src/kit/crypto/hash.ts";
import { hashPassword } from "../../../src/auth/passwords.ts";
import { bodyOf, startApi, type TestApi } from "../../support/api.ts";
import { openConcurrentPostgres, type ConcurrentPostgres } from "../../support/concurrent-postgres.ts";
import { authHeader, createUser, type Person } from "../../support/users.ts";

/** Requests at the same time that read an account and then change it, on a PostgreSQL with many connections. */

let postgres: ConcurrentPostgres;
let api: TestApi;
let hash: string;
let person: Person;

const password = "correct horse battery";

beforeAll(async () => {
  postgres = await openConcurrentPostgres(20);
  api = await startApi({}, postgres);
  hash = await hashPassword(password);
});

afterAll(async () => {
  await api.close();
  await postgres.close();
});

beforeEach(async () => {
  person = await createUser(api);
  await postgres.sql(
    "insert into accounts (user_id, account_id, provider_id, password) values ($1::int, $1::text, 'credential', $2)",
    [person.id, hash],
  );
});

function send(method: string, path: string, body?: object, token = person.token): Promise<Response> {
  return api.get(path, {
    method,
    headers: { ...authHeader(token), "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Another device of the person. */
async function device(): Promise<string> {
  const token = crypto.randomUUID().padEnd(43, "x");
  await postgres.sql("insert into sessions (user_id, token, expires_at) values ($1, $2, now() + interval '1 day')", [
    person.id,
    token,
  ]);
  return token;
}

const statusesOf = async (requests: Promise<Response>[]) =>
  (await Promise.all(requests)).map(({ status }) => status).toSorted((a, b) => a - b);
const audited = (action: string) =>
  postgres.sql("select 1 from audit_log where action = $1 and subject_user_id = $2", [action, person.id]);

/** Locks the row of the person, as a change does. @returns releases it */
async function lockAccount(): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query("begin");
  await client.query("select 1 from users where id = $1 for update", [person.id]);
  return async () => {
    await client.query("commit");
    await client.end();
  };
}

const change = (new_password: string, token?: string) =>
  send("POST", "/api/auth/change-password", { current_password: password, new_password }, token);

test("two changes of a password answer 200 once and 409 once, in one session", async () => {
  // Both have checked the old password when the first one writes.
  const release = await lockAccount();
  const changes = [change("another long one 1"), change("another long one 2")];
  const waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock'";
  await expect.poll(async () => (await postgres.sql(waiting)).length).toBe(2);
  await release();
  const replies = await Promise.all(changes);
  expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  const refused = replies.findIndex(({ status }) => status === 409);
  expect((await bodyOf(replies[refused]!)).detail).toContain("changed by another request");
  const signIn = (secret: string) => api.post("/api/auth/login", { username: person.username, password: secret });
  expect((await signIn(`another long one ${2 - refused}`)).status).toBe(200);
  expect((await signIn(`another long one ${refused + 1}`)).status).toBe(401);
  expect(await audited("account.password_changed")).toHaveLength(1);
});

test("two changes of a password from two devices leave one password and one device", async () => {
  const other = await device();
  const [first, second] = await statusesOf([change("another long one 1"), change("another long one 2", other)]);
  expect(first).toBe(200);
  expect([401, 409]).toContain(second);
  expect(await postgres.sql("select 1 from sessions where user_id = $1", [person.id])).toHaveLength(1);
});

test("a sign-in with the old password while it is changed leaves no session behind", async () => {
  const signIn = api.post("/api/auth/login", { username: person.username, password });
  const [changed, signedIn] = await Promise.all([change("another long one"), signIn]);
  expect(changed.status).toBe(200);
  expect([200, 401]).toContain(signedIn.status);
  expect(await postgres.sql("select id from sessions where user_id = $1", [person.id])).toEqual([{ id: person.sessionId }]);
});

test("a sign-in while the account is banned leaves no session behind", async () => {
  const admin = await createUser(api, ["superuser"]);
  const [signedIn, banned] = await Promise.all([
    api.post("/api/auth/login", { username: person.username, password }),
    send("POST", `/api/v2/admin/users/${person.id}/ban`, { reason: "spam" }, admin.token),
  ]);
  expect(banned.status).toBe(200);
  expect([200, 403]).toContain(signedIn.status);
  expect(await postgres.sql("select 1 from sessions where user_id = $1", [person.id])).toEqual([]);
});

test("five resets with one link are one, and it leaves no session", async () => {
  const token = "a-token-of-a-reset".padEnd(43, "x");
  await postgres.sql(
    "insert into email_tokens (token_hash, user_id, purpose, email, expires_at) values ($1, $2, 'reset_password', $3, now() + interval '1 hour')",
    [await sha256Hex(token), person.id, person.email],
  );
  const reset = (index: number) => api.post("/api/auth/reset-password", { token, password: `another long one ${index}` });
  expect(await statusesOf([0, 1, 2, 3, 4].map(reset))).toEqual([200, 422, 422, 422, 422]);
  expect(await audited("account.password_reset")).toHaveLength(1);
  expect(await postgres.sql("select 1 from sessions where user_id = $1", [person.id])).toEqual([]);
});

test("five deletions of an account are one", async () => {
  const remove = () => send("DELETE", "/api/v2/me", { password });
  expect(await statusesOf(Array.from({ length: 5 }, remove))).toEqual([202, 401, 401, 401, 401]);
});

test("a deletion and a change of the password do not both happen with the old password", async () => {
  const statuses = await Promise.all([send("DELETE", "/api/v2/me", { password }), change("another long one")]);
  const succeeded = statuses.filter(({ status }) => status < 300);
  expect(succeeded).toHaveLength(1);
});

test("five revocations of one key are one", async () => {
  const { api_key } = await bodyOf(await send("POST", "/api/v2/api-keys", { name: "a key", scopes: ["account.read"] }));
  const revoke = () => send("DELETE", `/api/v2/api-keys/${api_key.id}`);
  expect(await statusesOf(Array.from({ length: 5 }, revoke))).toEqual([200, 404, 404, 404, 404]);
  expect(await audited("api_key.revoked")).toHaveLength(1);
});

test("five revocations of one session are one", async () => {
  await device();
  const [other] = await postgres.sql("select max(id) as id from sessions where user_id = $1", [person.id]);
  const revoke = () => send("DELETE", `/api/v2/sessions/${Number(other!["id"])}`);
  expect(await statusesOf(Array.from({ length: 5 }, revoke))).toEqual([200, 404, 404, 404, 404]);
});

test("ten refreshes of one token give all the same token", async () => {
  const replies = await Promise.all(Array.from({ length: 10 }, () => send("POST", "/api/auth/refresh")));
  expect(replies.map(({ status }) => status)).toEqual(Array<number>(10).fill(200));
  expect(new Set(await Promise.all(replies.map(async (reply) => (await bodyOf(reply)).token))).size).toBe(1);
});

test("a user has at most 50 API keys, however many are asked for at once", async () => {
  await postgres.sql(
    "insert into api_keys (user_id, name, prefix, key_hash, scopes) select $1::int, 'k', 'sf_', $1 || '-' || n, '{account.read}' from generate_series(1, 45) n",
    [person.id],
  );
  const create = () => send("POST", "/api/v2/api-keys", { name: "a key", scopes: ["account.read"] });
  const replies = await Promise.all(Array.from({ length: 15 }, create));
  expect(replies.filter(({ status }) => status === 201)).toHaveLength(5);
  const refused = replies.filter(({ status }) => status === 409);
  expect(refused).toHaveLength(10);
  expect((await bodyOf(refused[0]!)).detail).toBe("API key limit reached (50). Revoke one first.");
  expect(await postgres.sql("select 1 from api_keys where user_id = $1", [person.id])).toHaveLength(50);
});
