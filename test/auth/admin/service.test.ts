import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
    await api.database.sql("update users set email_verified = true where id = $1", [founder.id]);
    const again = await createUser(api);
    await api.database.sql("update sessions set user_id = $1 where id = $2", [founder.id, again.sessionId]);
    expect((await act("GET", "/users", undefined, again)).status).toBe(200);
    expect((await act("POST", `/users/${founder.id}/ban`, { reason: "coup" })).status).toBe(403);
    expect((await act("PUT", `/users/${founder.id}/roles`, { roles: ["user"] })).status).toBe(403);
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
