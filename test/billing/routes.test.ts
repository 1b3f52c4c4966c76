import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, startApi, type TestApi } from "../support/api.ts";
import { inDays, newUser, subscribe } from "./support/billing.ts";

let api: TestApi;
let user: number;
let token: string;
let adminToken: string;

beforeAll(async () => {
  api = await startApi();
  user = await newUser(api.database);
  token = await signIn(user);
  adminToken = await signIn(await newUser(api.database, ["admin"]));
});
afterAll(() => api.close());

async function signIn(userId: number): Promise<string> {
  const session = `session-of-${userId}-${crypto.randomUUID()}`;
  await api.database.sql("insert into sessions (user_id, token, expires_at) values ($1, $2, $3)", [userId, session, inDays(1)]);
  return session;
}

function send(path: string, bearer: string | undefined, body?: object): Promise<Response> {
  return api.get(path, {
    headers: {
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
}

const accessPath = (id: number, base = "/api/v2/spirits") => `${base}/user/${id}/access`;
const grantsPath = (id: number) => `/api/v2/admin/users/${id}/grants`;

describe("[38] the spirits of a user", () => {
  test.each(["/api/v2/spirits", "/api/spirits"])("%s returns the documented keys", async (base) => {
    const reply = await send(accessPath(user, base), token);
    expect(reply.status).toBe(200);
    const body = await bodyOf(reply);
    expect(body).toMatchObject({ success: true, user_id: user, total: 5 });
    const [spirit] = body.data;
    expect(Object.keys(spirit)).toEqual(["spirit_id", "access_type", "source", "granted_at", "expires_at"]);
    expect(spirit).toMatchObject({ spirit_id: 1, access_type: "free", source: "free_tier", expires_at: null });
    expect(new Date(spirit.granted_at).toISOString()).toBe(spirit.granted_at);
  });

  test("a warm request makes one round trip", async () => {
    await send(accessPath(user), token);
    expect((await send(accessPath(user), token)).headers.get("server-timing")).toMatch(/db;dur=[\d.]+;desc="1"/);
  });

  test("an administrator sees them, with those of the plan", async () => {
    const other = await newUser(api.database);
    await subscribe(api.database, other, { plan: 4 });
    expect(await bodyOf(await send(accessPath(other), adminToken))).toMatchObject({ user_id: other, total: 18 });
  });

  test("others get 404, anonymous requests 401, and an invalid ID 422", async () => {
    const other = await newUser(api.database);
    expect((await send(accessPath(other), token)).status).toBe(404);
    expect((await send(accessPath(2_000_000_000), adminToken)).status).toBe(404);
    expect((await send(accessPath(user), undefined)).status).toBe(401);
    expect((await send("/api/v2/spirits/user/me/access", token)).status).toBe(422);
  });
});

describe("a grant by an administrator", () => {
  test("the reply has the grants, which take effect at once", async () => {
    const other = await newUser(api.database);
    const expires_at = inDays(7);
    const reply = await send(grantsPath(other), adminToken, { spirit_id: 17, expires_at, reason: "Prize" });
    expect(reply.status).toBe(201);
    expect(reply.headers.get("server-timing")).toMatch(/db;dur=[\d.]+;desc="2"/);
    expect(await bodyOf(reply)).toEqual({
      success: true,
      grants: [{ spirit_id: 17, source: "admin", reference: "spirit:17", granted_at: expect.any(String), expires_at }],
      total: 1,
    });
    const { data } = await bodyOf(await send(accessPath(other), adminToken));
    expect(data).toContainEqual({
      spirit_id: 17,
      access_type: "grant",
      source: "admin",
      granted_at: expect.any(String),
      expires_at,
    });
  });

  test("a grant of a plan has all its spirits", async () => {
    const other = await newUser(api.database);
    const reply = await send(grantsPath(other), adminToken, { plan_id: 4, reason: "Partner" });
    expect(await bodyOf(reply)).toMatchObject({ total: 18 });
  });

  test.each([
    [{ reason: "Both", spirit_id: 2, plan_id: 2 }, 422],
    [{ reason: "Neither" }, 422],
    [{ spirit_id: 2 }, 422],
    [{ reason: "Unknown", spirit_id: 999 }, 422],
    [{ reason: "Late", spirit_id: 2, expires_at: "2020-01-01T00:00:00Z" }, 422],
  ])("a grant with %j is %i", async (body, status) => {
    const reply = await send(grantsPath(user), adminToken, body);
    expect({ status: reply.status, code: (await bodyOf(reply)).code }).toEqual({ status, code: "validation_failed" });
  });

  test("an unknown user is 404, a caller who is no administrator gets 403, and an anonymous one 401", async () => {
    const grant = { spirit_id: 2, reason: "Please" };
    expect((await send(grantsPath(2_000_000_000), adminToken, grant)).status).toBe(404);
    expect((await send(grantsPath(user), token, grant)).status).toBe(403);
    expect((await send(grantsPath(user), undefined, grant)).status).toBe(401);
  });
});
