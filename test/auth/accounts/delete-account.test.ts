import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anotherDevice, sendRequest, hubUrl, openHub } from "../../notifications/support/notifications.ts";
import { bodyOf, startApi, type TestApi } from "../../support/api.ts";
import { startFakeResend, type FakeResend } from "../../support/fake-resend.ts";
import { attachFile, ownAnswer } from "../../support/conversations.ts";
import { createUser, type Person } from "../../support/users.ts";
import { refusal } from "../../support/sockets.ts";

const api = {} as TestApi;
let resend: FakeResend;

beforeAll(async () => {
  resend = await startFakeResend("re_test");
  const mail = { RESEND_API_KEY: "re_test", RESEND_URL: resend.url, MAIL_FROM: "us@example.com" };
  Object.assign(api, await startApi(mail));
});

afterAll(async () => {
  await api.close();
  await resend.close();
});

const password = "correct horse battery";
let made = 0;

/** Registers somebody who then does a bit of everything. */
async function livelyPerson(): Promise<Person> {
  const username = `lively${++made}x`;
  const email = `${username}@example.com`;
  const reply = await bodyOf(await api.post("/api/auth/register", { username, email, password }));
  const person = { id: reply.user.id as number, token: reply.token as string, username, email, sessionId: 0 };
  const [session] = await api.database.sql("select id from sessions where user_id = $1", [person.id]);
  person.sessionId = Number(session!["id"]);
  const keyed = { name: "its key", scopes: ["account.read"] };
  await sendRequest(api, person, "/api/v2/api-keys", { method: "POST", body: keyed, headers: { "idempotency-key": "key-1" } });
  await sendRequest(api, person, "/api/v2/me/preferences", { method: "PUT", body: { preferences: { me: username } } });
  await sendRequest(api, person, "/api/v2/me", { method: "PATCH", body: { first_name: "Lively" } });
  await sendRequest(api, person, "/api/v2/me");
  await api.database.sql("insert into notifications (user_id, kind, title, body) values ($1, 'test', 'news', '')", [person.id]);
  await api.database.sql(
    `insert into failed_jobs (reference, name, payload, user_id, request_id, error, attempts, created_at) values
     ($1, 'send-mail', $2, null, 'r', 'x', 1, now()), ($3, 'prove-address', '{}', $4, 'r', 'x', 1, now())`,
    [`job:a${person.id}`, JSON.stringify({ to: email }), `job:b${person.id}`, person.id],
  );
  await api.database.sql(
    "insert into user_spirit_purchases (user_id, spirit_id, currency, amount, status, paid_at) values ($1, 2, 'points', 10, 'paid', now())",
    [person.id],
  );
  await api.database.sql(
    "insert into user_spirit_access (user_id, spirit_id, source, reference) values ($1, 2, 'purchase', 'p1')",
    [person.id],
  );
  return person;
}

/** Every row of every table, as text. */
async function everyRow(): Promise<Map<string, string[]>> {
  const tables = await api.database.sql("select tablename from pg_tables where schemaname = 'public' order by 1");
  const rows = new Map<string, string[]>();
  for (const { tablename } of tables) {
    const found = await api.database.sql(`select to_jsonb(t)::text as row from "${String(tablename)}" t order by 1`);
    rows.set(
      String(tablename),
      found.map(({ row }) => String(row)),
    );
  }
  return rows;
}

const ofUser = (row: string, { id, email, username }: Person) =>
  new RegExp(`"(\\w*user_id|actor_user_id)": ${id}\\b|user:${id}\\b`).test(row) ||
  row.includes(email) ||
  row.includes(username);

async function sumOf(rows: Map<string, string[]>, person: Person): Promise<string[]> {
  return Array.from(rows).flatMap(([table, all]) => all.filter((row) => ofUser(row, person)).map((row) => `${table}: ${row}`));
}

async function kvKeys(): Promise<string[]> {
  const { CACHE } = await api.worker.getEnv();
  return (await CACHE.list()).keys.map(({ name }) => name);
}

const leave = (who: Person, body: unknown) => sendRequest(api, who, "/api/v2/me", { method: "DELETE", body });
const userRows = (id: number) => api.database.sql("select id from users where id = $1", [id]);
async function isGone({ id }: Person): Promise<void> {
  await expect.poll(() => userRows(id)).toEqual([]);
}

describe("the export of an account", () => {
  test("the export is JSON without secrets and without data of other users", async () => {
    const [person, other] = [await livelyPerson(), await livelyPerson()];
    const reply = await sendRequest(api, person, "/api/v2/me/export");
    expect(reply.headers.get("content-disposition")).toContain("attachment");
    const text = await reply.text();
    const { data } = JSON.parse(text) as { data: Record<string, Record<string, unknown>[]> };
    expect(data["user"]).toMatchObject([{ id: person.id, email: person.email }]);
    for (const name of [
      "sessions",
      "sign_ins",
      "api_keys",
      "audit_log",
      "notifications",
      "preferences",
      "points",
      "points_transactions",
      "purchases",
      "spirit_grants",
    ]) {
      expect(data[name]?.length, name).toBeGreaterThan(0);
    }
    const secrets = await api.database.sql(
      `select token as secret from sessions where user_id = $1 union select password from accounts where user_id = $1
       union select key_hash from api_keys where user_id = $1`,
      [person.id],
    );
    expect(secrets).toHaveLength(3);
    for (const { secret } of secrets) expect(text).not.toContain(String(secret));
    for (const name of [other.email, other.username]) expect(text).not.toContain(name);
  });
});

describe("the deletion of an account", () => {
  test("no row, object or key of the user is left, and other users keep theirs", async () => {
    const [person, other] = [await livelyPerson(), await livelyPerson()];
    await expect.poll(() => resend.mails.length).toBeGreaterThanOrEqual(2);
    const admin = await createUser(api, ["superuser"]);
    await sendRequest(api, admin, `/api/v2/admin/users/${person.id}/grants`, {
      method: "POST",
      body: { spirit_id: 3, reason: "a gift" },
    });
    const answer = await ownAnswer(api, person);
    await attachFile(api, person, answer.id);
    const [minion] = await api.database.sql("select id from spirit_minions where user_id = $1", [person.id]);
    const isTheirs = (row: string) => ofUser(row, person) || new RegExp(`"minion_id": ${String(minion!["id"])}\\b`).test(row);
    const messageRows = () => api.database.sql("select id from messages where user_id = $1", [person.id]);
    await expect.poll(messageRows).toHaveLength(2);
    const hub = await openHub(api, person);
    await hub.until(({ type }) => type === "presence");
    await expect.poll(async () => (await api.database.sql("select id from outbox")).length).toBe(0);
    const before = await everyRow();
    expect((await sumOf(before, person)).length).toBeGreaterThan(10);
    expect((await kvKeys()).filter((key) => key.startsWith("credential:")).length).toBeGreaterThan(0);

    const reply = await leave(person, { password });
    expect(reply.status).toBe(202);
    expect(reply.headers.get("set-cookie")).toContain("Max-Age=0");
    expect((await hub.closed).code).toBe(4003);
    await isGone(person);

    const after = await everyRow();
    expect(Array.from(after.values()).flat().filter(isTheirs)).toEqual([]);
    // Others' rows are as they were; what an admin did to who left stays, without whom it was done to.
    for (const [table, rows] of before) {
      const others = rows.filter((row) => !isTheirs(row));
      expect(after.get(table), table).toEqual(expect.arrayContaining(others));
    }
    expect(await sumOf(after, other)).toEqual(await sumOf(before, other));
    const books = await api.database.sql("select user_id, amount from user_spirit_purchases where user_id is null");
    expect(books).toContainEqual({ user_id: null, amount: 10 });
    const acts = await api.database.sql("select action, subject_user_id, details from audit_log where actor_user_id = $1", [
      admin.id,
    ]);
    expect(acts).toEqual([{ action: "access.granted", subject_user_id: null, details: {} }]);

    for (const [binding, name] of [
      ["USER_HUB", person.id],
      ["CHAT_ROOM", answer.id],
    ] as const) {
      const storage = await api.worker.getDurableObjectStorage(binding, { name: String(name) });
      expect(await storage.exec("select name from sqlite_schema where name not like '\\_cf%' escape '\\'"), binding).toEqual(
        [],
      );
    }
    const { CACHE, FILES } = await api.worker.getEnv();
    expect((await FILES.list({ prefix: `conversations/${person.id}/` })).objects).toEqual([]);
    for (const key of await kvKeys()) {
      const value = (await CACHE.get(key)) ?? "";
      expect(ofUser(value, person) || value.includes(`"user_id":${person.id},`), key).toBe(false);
    }
  });

  test("every device is signed out at once, and the name and email are free again", async () => {
    const person = await livelyPerson();
    const device = await anotherDevice(api, person);
    await sendRequest(api, device, "/api/v2/me");
    expect((await leave(person, { password })).status).toBe(202);
    for (const who of [person, device]) {
      expect((await sendRequest(api, who, "/api/v2/me")).status).toBe(401);
      expect((await sendRequest(api, who, "/api/v2/sessions", { method: "DELETE" })).status).toBe(401);
    }
    expect((await api.post("/api/auth/login", { username: person.email, password })).status).toBe(401);
    const again = await api.post("/api/auth/register", { username: person.username, email: person.email, password });
    expect(again.status).toBe(201);
  });

  test("the password is required, and wrong guesses are slowed down", async () => {
    const person = await livelyPerson();
    expect(await bodyOf(await leave(person, {}))).toMatchObject({ status: 401, code: "invalid_credentials" });
    for (let i = 0; i < 5; i++) expect((await leave(person, { password: "a wrong password" })).status).toBe(401);
    expect((await leave(person, { password })).status).toBe(429);
    expect(await userRows(person.id)).toHaveLength(1);
  });

  test("an account without a password needs a recent session", async () => {
    const person = await createUser(api);
    await api.database.sql("update sessions set created_at = now() - interval '11 minutes' where id = $1", [person.sessionId]);
    expect(await bodyOf(await leave(person, {}))).toMatchObject({ status: 403, code: "forbidden" });
    const device = await anotherDevice(api, person);
    expect((await leave(device, {})).status).toBe(202);
    await isGone(person);
  });

  test("an API key cannot delete the account", async () => {
    const person = await livelyPerson();
    const { key } = await bodyOf(
      await sendRequest(api, person, "/api/v2/api-keys", {
        method: "POST",
        body: { name: "all", scopes: ["account.read", "account.write"] },
      }),
    );
    expect((await leave({ ...person, token: key }, { password })).status).toBe(403);
    expect((await sendRequest(api, { token: key }, "/api/v2/me/export")).status).toBe(403);
  });

  test("the deletion completes although Postgres fails in between", async () => {
    const person = await livelyPerson();
    expect((await leave(person, { password })).status).toBe(202);
    await api.stopPostgres();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await api.startPostgres();
    await expect.poll(() => userRows(person.id)).toEqual([]);
  });

  test("running work is refused, and the hub accepts no new sockets", async () => {
    const person = await livelyPerson();
    const ticket = await bodyOf(
      await sendRequest(api, person, "/api/v2/socket-tickets", { method: "POST", body: { resource: "me" } }),
    );
    await leave(person, { password });
    await isGone(person);
    const refused = await refusal(hubUrl(api, ticket.ticket)).catch(() => undefined);
    expect(refused?.status ?? 101).toBe(401);
  });
});
