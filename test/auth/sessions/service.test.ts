import { beforeEach, describe, expect, test } from "vitest";
import { sha256Hex } from "../../../src/kit/crypto/hash.ts";
import { bodyOf, startApi, useApi } from "../../support/api.ts";
import { authHeader, createUser, type Person } from "../../support/users.ts";

const api = useApi();
let person: Person;

beforeEach(async () => {
  person = await createUser(api);
});

async function anotherDevice(userAgent: string, owner = person): Promise<{ id: number; token: string }> {
  const token = crypto.randomUUID();
  const [row] = await api.database.sql(
    "insert into sessions (user_id, token, expires_at, user_agent, ip_address, place) values ($1, $2, now() + interval '1 day', $3, '203.0.113.7', 'Paris, FR') returning id",
    [owner.id, token, userAgent],
  );
  return { id: Number(row!["id"]), token };
}

const statusOf = async (token: string) => (await api.get("/api/v2/me", { headers: authHeader(token) })).status;
const refresh = (token: string) => api.get("/api/auth/refresh", { method: "POST", headers: authHeader(token) });
const revoke = (path: string, token = person.token) =>
  api.get(`/api/v2/sessions${path}`, { method: "DELETE", headers: authHeader(token) });

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

describe("sessions", () => {
  test("sessions are listed with their device and location, the last seen first", async () => {
    const other = await anotherDevice(firefox);
    const { sessions, total } = await bodyOf(await api.get("/api/v2/sessions", { headers: authHeader(person.token) }));
    expect(total).toBe(2);
    expect(sessions).toContainEqual({
      id: other.id,
      device: "Firefox on Linux",
      ip: "203.0.113.7",
      place: "Paris, FR",
      last_seen_at: expect.any(String),
      created_at: expect.any(String),
      is_current: false,
    });
    expect(sessions.filter(({ is_current }: { is_current: boolean }) => is_current)).toMatchObject([{ id: person.sessionId }]);
    expect(JSON.stringify(sessions)).not.toContain(other.token);
  });

  test("concurrent requests to sign out all succeed, or find the session ended", async () => {
    const signOut = () => api.get("/api/auth/logout", { method: "POST", headers: authHeader(person.token) });
    const statuses = await Promise.all(Array.from({ length: 6 }, async () => (await signOut()).status));
    expect(statuses).toContain(200);
    expect(statuses.filter((status) => status !== 200 && status !== 401)).toEqual([]);
  });

  test("a session can be revoked at once in this isolate, even if it was just cached", async () => {
    const other = await anotherDevice(firefox);
    expect(await statusOf(other.token)).toBe(200);
    expect((await revoke(`/${other.id}`)).status).toBe(200);
    expect(await statusOf(other.token)).toBe(401);
    expect(await statusOf(person.token)).toBe(200);
    expect((await revoke(`/${other.id}`)).status).toBe(404);
  });

  test("all sessions except the current one can be revoked", async () => {
    const others = await Promise.all([1, 2, 3].map(() => anotherDevice(firefox)));
    const { revoked } = await bodyOf(await revoke(""));
    expect(revoked).toBe(3);
    for (const { token } of others) expect(await statusOf(token)).toBe(401);
    expect(await statusOf(person.token)).toBe(200);
  });

  test("another user's session is 404 and stays valid", async () => {
    const stranger = await createUser(api);
    expect((await revoke(`/${person.sessionId}`, stranger.token)).status).toBe(404);
    expect(await statusOf(person.token)).toBe(200);
    expect(await api.database.sql("select 1 from audit_log where subject_user_id = $1", [stranger.id])).toEqual([]);
  });

  test("the time of last use is stored at most every five minutes, after the reply", async () => {
    await api.database.sql("update sessions set last_seen_at = now() - interval '6 minutes' where id = $1", [person.sessionId]);
    const reply = await api.get("/api/v2/me", { headers: authHeader(person.token) });
    expect(reply.headers.get("server-timing")).toMatch(/^db;[^,]*desc="2"/);
    const seen = () =>
      api.database.sql("select last_seen_at > now() - interval '1 minute' as now from sessions where id = $1", [
        person.sessionId,
      ]);
    await expect.poll(async () => (await seen())[0]!["now"]).toBe(true);
  });
});

describe("a token refresh", () => {
  test("a refresh returns a new token, and the old one stays valid for 30 seconds", async () => {
    const { token } = await bodyOf(await refresh(person.token));
    expect(token).not.toBe(person.token);
    expect(await statusOf(token)).toBe(200);
    expect(await statusOf(person.token)).toBe(200);
    expect((await bodyOf(await refresh(person.token))).token).toBe(token);
  });

  test("ten concurrent refreshes return the same token", async () => {
    const replies = await Promise.all(Array.from({ length: 10 }, async () => bodyOf(await refresh(person.token))));
    expect(new Set(replies.map(({ token }) => token)).size).toBe(1);
    expect(await statusOf(replies[0].token)).toBe(200);
  });

  test("reuse of an older replaced token revokes the whole session", async () => {
    const { token } = await bodyOf(await refresh(person.token));
    await api.database.sql("update retired_tokens set retired_at = now() - interval '31 seconds' where token_hash = $1", [
      await sha256Hex(person.token),
    ]);
    expect(await statusOf(token)).toBe(200);
    expect((await refresh(person.token)).status).toBe(401);
    expect(await statusOf(token)).toBe(401);
    expect((await refresh(token)).status).toBe(401);
    expect(await api.database.sql("select action from audit_log where subject_user_id = $1", [person.id])).toEqual([
      { action: "session.family_revoked" },
    ]);
  });

  test("an API key or an ended session cannot be refreshed", async () => {
    await revoke(`/${person.sessionId}`);
    expect((await refresh(person.token)).status).toBe(401);
  });
});

describe("the credential cache", () => {
  test("a cached credential saves the round trip of authentication, in memory and in KV", async () => {
    const getMe = () => api.get("/api/v2/me", { headers: authHeader(person.token) });
    const trips = (reply: Response) =>
      /db;[^,]*desc="(\d)", kv;[^,]*desc="(\d)"/.exec(reply.headers.get("server-timing")!)!.slice(1, 3);
    expect(trips(await getMe())).toEqual(["2", "1"]);
    expect(trips(await getMe())).toEqual(["1", "0"]);
  });

  test("a cached credential contains no secret and expires in KV", async () => {
    await statusOf(person.token);
    const { CACHE } = await api.worker.getEnv();
    const name = `credential:${await sha256Hex(person.token)}`;
    await expect.poll(() => CACHE.get(name)).not.toBeNull();
    expect(await CACHE.get(name)).not.toContain(person.token);
    const { keys } = await CACHE.list({ prefix: name });
    expect(keys[0]!.expiration! - Date.now() / 1000).toBeLessThanOrEqual(60);
  });

  test("a revocation elsewhere takes effect within the cache lifetime, and at once on sensitive routes", async () => {
    await statusOf(person.token);
    await api.database.sql("delete from sessions where id = $1", [person.sessionId]);
    expect(await statusOf(person.token)).toBe(200);
    expect((await api.get("/api/v2/api-keys", { headers: authHeader(person.token) })).status).toBe(401);
    expect(await statusOf(person.token)).toBe(401);
  });
});

describe("a session that was revoked in another isolate", () => {
  test("it is refused when the memory cache expires", async () => {
    const bound = { SESSION_MEMORY_SECONDS: "1", SESSION_KV_SECONDS: "0" };
    const elsewhere = await startApi(bound, api.database);
    const getMe = async () => (await elsewhere.get("/api/v2/me", { headers: authHeader(person.token) })).status;
    expect(await getMe()).toBe(200);
    await revoke(`/${person.sessionId}`);
    expect(await statusOf(person.token)).toBe(401);
    await expect.poll(getMe).toBe(401);
    await elsewhere.close();
  });
});

test("cron deletes only expired rows", async () => {
  const expired = await anotherDevice(firefox);
  await api.database.sql("update sessions set expires_at = now() - interval '1 minute' where id = $1", [expired.id]);
  await api.database.sql(
    "insert into verifications (identifier, value, expires_at) values ('old', 'x', now() - interval '1 minute'), ('new', 'x', now() + interval '1 minute')",
  );
  for (let twice = 0; twice < 2; twice += 1) {
    expect((await api.worker.scheduled({ cron: "17 3 * * *" })).outcome).toBe("ok");
    expect(await api.database.sql("select id from sessions where user_id = $1", [person.id])).toEqual([
      { id: person.sessionId },
    ]);
    expect(await api.database.sql("select identifier from verifications")).toEqual([{ identifier: "new" }]);
  }
});
