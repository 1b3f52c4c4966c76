import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256Hex } from "../../../src/kit/crypto/hash.ts";
import { bodyOf, startApi, type TestApi } from "../../support/api.ts";
import { authHeader, createUser, type Person } from "../../support/users.ts";

let api: TestApi;
let superuser: Person;
let admin: Person;

beforeAll(async () => {
  api = await startApi({ SUPERUSER_EMAIL: "founder@example.com" });
  superuser = await createUser(api, ["superuser"]);
  admin = await createUser(api, ["user", "admin"]);
});

afterAll(() => api.close());

function act(method: string, path: string, body: unknown, by = admin): Promise<Response> {
  return api.get(`/api/v2/admin${path}`, {
    method,
    headers: { ...authHeader(by.token), "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Proves the address. PGlite's clock counts milliseconds, so what is made next must be in a later one. */
async function prove(id: number): Promise<void> {
  await api.database.sql("update users set email_verified = true where id = $1", [id]);
  const isLater = "select now() > email_verified_at as later from users where id = $1";
  await expect.poll(() => api.database.sql(isLater, [id])).toEqual([{ later: true }]);
}

const statusOf = async ({ token }: Person) => (await api.get("/api/v2/me", { headers: authHeader(token) })).status;

describe("an administrator", () => {
  test("users are found by part of a name or email, paginated, newest first", async () => {
    const people: Person[] = [];
    for (let i = 0; i < 5; i += 1) people.push(await createUser(api));
    await api.database.sql("update users set name = 'Findable %_' || id where id = any($1)", [people.map(({ id }) => id)]);
    const found: number[] = [];
    let cursor = "";
    for (let page = 0; page < 3; page += 1) {
      const { users, total, next_cursor } = await bodyOf(
        await act("GET", `/users?q=findable%20%25_&limit=2${cursor}`, undefined),
      );
      expect(total).toBe(5);
      found.push(...users.map(({ id }: { id: number }) => id));
      cursor = `&cursor=${next_cursor}`;
      expect(next_cursor === undefined).toBe(page === 2);
    }
    expect(found).toEqual(people.map(({ id }) => id).toReversed());
    expect((await bodyOf(await act("GET", "/users?q=find_ble", undefined))).total).toBe(0);
  });

  test("a ban signs out all devices of the user at once, and can be lifted", async () => {
    const person = await createUser(api);
    expect(await statusOf(person)).toBe(200);
    const { user } = await bodyOf(await act("POST", `/users/${person.id}/ban`, { reason: "spam" }));
    expect(user).toMatchObject({ id: person.id, ban_reason: "spam", banned_at: expect.any(String) });
    expect(await statusOf(person)).toBe(401);
    const { user: freed } = await bodyOf(await act("POST", `/users/${person.id}/unban`, undefined));
    expect(freed).toMatchObject({ banned_at: null, ban_reason: null });
  });

  test("an administrator can neither appoint nor change administrators", async () => {
    const person = await createUser(api);
    expect((await act("PUT", `/users/${person.id}/roles`, { roles: ["user", "admin"] })).status).toBe(403);
    expect((await act("PUT", `/users/${superuser.id}/roles`, { roles: ["user"] })).status).toBe(403);
    expect((await act("POST", `/users/${superuser.id}/ban`, { reason: "coup" })).status).toBe(403);
    expect(await statusOf(superuser)).toBe(200);
    expect((await act("PUT", `/users/${person.id}/roles`, { roles: ["user", "premium"] })).status).toBe(200);
  });

  test("an unknown user is 404, and nothing is written", async () => {
    const before = await api.database.sql("select count(*)::int as n from audit_log");
    expect((await act("POST", "/users/2147483647/ban", { reason: "spam" })).status).toBe(404);
    expect((await act("GET", "/users/2147483647", undefined)).status).toBe(404);
    expect(await api.database.sql("select count(*)::int as n from audit_log")).toEqual(before);
  });
});

describe("a superuser", () => {
  test("a superuser appoints and removes administrators, effective at the next request", async () => {
    const person = await createUser(api);
    expect((await act("GET", "/users", undefined, person)).status).toBe(403);
    expect((await act("PUT", `/users/${person.id}/roles`, { roles: ["admin", "user"] }, superuser)).status).toBe(200);
    expect((await act("GET", "/users", undefined, person)).status).toBe(200);
    expect((await act("PUT", `/users/${person.id}/roles`, { roles: ["user"] }, superuser)).status).toBe(200);
    expect((await act("GET", "/users", undefined, person)).status).toBe(403);
  });

  test("a superuser is a user with the verified configured email, not one with an unverified one", async () => {
    const founder = await createUser(api);
    await api.database.sql("update users set email = 'founder@example.com' where id = $1", [founder.id]);
    expect((await act("GET", "/users", undefined, founder)).status).toBe(403);
    await prove(founder.id);
    const again = await createUser(api);
    await api.database.sql("update sessions set user_id = $1 where id = $2", [founder.id, again.sessionId]);
    expect((await act("GET", "/users", undefined, again)).status).toBe(200);
    expect((await act("POST", `/users/${founder.id}/ban`, { reason: "coup" })).status).toBe(403);
    expect((await act("PUT", `/users/${founder.id}/roles`, { roles: ["user"] })).status).toBe(403);
  });
});

describe("the role that a proven address gives", () => {
  const rolesOf = async (secret: string) =>
    (await bodyOf(await api.get("/api/v2/me", { headers: authHeader(secret) }))).user.roles as string[];
  const listUsers = async (secret: string) => (await api.get("/api/v2/admin/users", { headers: authHeader(secret) })).status;

  /** A user with the address of the configuration, which nobody else has any more. */
  async function claimant(): Promise<Person> {
    await api.database.sql("update users set email = id || '@moved.example' where email = 'founder@example.com'");
    const person = await createUser(api);
    await api.database.sql("update users set email = 'founder@example.com' where id = $1", [person.id]);
    return person;
  }

  async function anotherSession({ id }: Person): Promise<string> {
    const token = crypto.randomUUID().padEnd(43, "x");
    await api.database.sql("insert into sessions (user_id, token, expires_at) values ($1, $2, now() + interval '1 day')", [
      id,
      token,
    ]);
    return token;
  }

  async function makeKey({ id }: Person): Promise<string> {
    const key = `sf_${crypto.randomUUID()}`;
    await api.database.sql(
      "insert into api_keys (user_id, name, prefix, key_hash, scopes) values ($1, 'k', 'sf_', $2, '{admin.read,account.read}')",
      [id, await sha256Hex(key)],
    );
    return key;
  }

  test("a session that signed in after the proof has the role, and one from before does not, even once refreshed", async () => {
    const person = await claimant();
    await prove(person.id);
    const later = await anotherSession(person);
    expect([await rolesOf(later), await listUsers(later)]).toEqual([["user", "superuser"], 200]);
    expect([await rolesOf(person.token), await listUsers(person.token)]).toEqual([["user"], 403]);
    const refreshed = await bodyOf(await api.get("/api/auth/refresh", { method: "POST", headers: authHeader(person.token) }));
    expect([await rolesOf(refreshed.token), await listUsers(refreshed.token)]).toEqual([["user"], 403]);
    expect(
      (await act("POST", `/users/${admin.id}/ban`, { reason: "coup" }, { ...person, token: refreshed.token })).status,
    ).toBe(403);
    const scopes = { name: "k", scopes: ["admin.read"] };
    const headers = { ...authHeader(refreshed.token), "content-type": "application/json" };
    const key = await api.get("/api/v2/api-keys", { method: "POST", headers, body: JSON.stringify(scopes) });
    expect(key.status).toBe(422);
  });

  test("a session with an invented time of sign-in does not have the role", async () => {
    const person = await claimant();
    await api.database.sql(
      "insert into sessions (user_id, token, expires_at, created_at) values ($1, $2, now() + interval '1 day', now() + interval '1 hour')",
      [person.id, "made-up-token".padEnd(43, "x")],
    );
    await prove(person.id);
    expect(await rolesOf("made-up-token".padEnd(43, "x"))).toEqual(["user"]);
  });

  test("an API key or a minion token from before the proof does not have the role", async () => {
    const person = await claimant();
    const before = await makeKey(person);
    await prove(person.id);
    const after = await makeKey(person);
    expect([await rolesOf(before), await listUsers(before)]).toEqual([["user"], 403]);
    expect([await rolesOf(after), await listUsers(after)]).toEqual([["user", "superuser"], 200]);
  });

  test("a user who changes the address loses the role until the next proof", async () => {
    const person = await claimant();
    await prove(person.id);
    const session = await anotherSession(person);
    await api.database.sql("update users set email = 'away@example.com' where id = $1", [person.id]);
    expect(await rolesOf(session)).toEqual(["user"]);
    await api.database.sql("update users set email = 'founder@example.com' where id = $1", [person.id]);
    expect(await rolesOf(session)).toEqual(["user"]);
    await prove(person.id);
    expect(await rolesOf(session)).toEqual(["user"]);
    expect(await rolesOf(await anotherSession(person))).toEqual(["user", "superuser"]);
  });

  test("the reply to a sign-in after the proof shows the role", async () => {
    const person = await claimant();
    await api.database.sql("update users set email = id || '@moved.example' where id = $1", [person.id]);
    const password = "correct horse battery";
    const registered = await bodyOf(
      await api.post("/api/auth/register", { username: "Founder", email: "founder@example.com", password }),
    );
    expect(registered.user.roles).toEqual(["user"]);
    await prove(registered.user.id);
    const { token, user } = await bodyOf(await api.post("/api/auth/login", { username: "Founder", password }));
    expect(user.roles).toEqual(["user", "superuser"]);
    expect(await rolesOf(token)).toEqual(["user", "superuser"]);
    expect(await rolesOf(registered.token)).toEqual(["user"]);
    expect((await bodyOf(await api.get("/api/auth/profile", { headers: authHeader(registered.token) }))).user.is_verified).toBe(
      true,
    );
  });
});

describe("the audit log", () => {
  test("each entry has the actor, the action, the target, the location and the request", async () => {
    const person = await createUser(api);
    const ban = await act("POST", `/users/${person.id}/ban`, { reason: "spam" });
    const { entries, total } = await bodyOf(await act("GET", `/audit?user_id=${person.id}`, undefined));
    expect(total).toBe(1);
    expect(entries).toEqual([
      {
        id: expect.any(Number),
        at: expect.any(String),
        action: "user.banned",
        actor: `user:${admin.id}`,
        actor_user_id: admin.id,
        subject_user_id: person.id,
        details: { reason: "spam" },
        ip_address: expect.any(String),
        request_id: ban.headers.get("x-request-id"),
      },
    ]);
  });
});
