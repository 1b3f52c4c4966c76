import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sha256Hex } from "../../src/kit/crypto/hash.ts";
import { bodyOf, useApi } from "../support/api.ts";
import { prepare } from "../support/openapi-examples.ts";
import { send } from "../support/send.ts";
import { isGuarded, operations, type Listed } from "../support/openapi-operations.ts";
import { createUser, type Person } from "../support/users.ts";

/** The security table: every guarded operation of the OpenAPI document against everyone who must not get in. */

const api = useApi();
let person: Person;

beforeAll(async () => {
  // Round trips are counted on a Worker that has its catalog.
  await api.get("/api/v2/spirits");
});

beforeEach(async () => {
  person = await createUser(api, ["user", "superuser"]);
});

const guarded = operations.filter(isGuarded);
const isSensitive = ({ operation }: Listed) => !operation.security.some((scheme) => "apiKey" in scheme);
const permissionOf = ({ operation }: Listed) => /permission `([\w.]+)`/.exec(operation.description ?? "")![1]!;

async function makeKey(scopes: string[], owner = person): Promise<string> {
  const key = `sf_${crypto.randomUUID()}`;
  await api.database.sql("insert into api_keys (user_id, name, prefix, key_hash, scopes) values ($1, 'a key', 'sf_', $2, $3)", [
    owner.id,
    await sha256Hex(key),
    scopes,
  ]);
  return key;
}

async function sendAs(listed: Listed, secret?: string): Promise<{ status: number; code: string | undefined }> {
  const reply = await send(api, listed, await prepare(api, person, listed), secret);
  return { status: reply.status, code: reply.status === 204 ? undefined : (await bodyOf(reply)).code };
}

test("the OpenAPI document has guarded operations", () => {
  expect(guarded.length).toBeGreaterThan(20);
  expect(owned.length).toBeGreaterThan(2);
});

/** Operations that may make more round trips than others. A replay reads what its job works on before it reopens that. */
const roundTrips: Record<string, number> = { replayFailedJob: 3 };

describe.each(guarded)("$name", (listed) => {
  test("a missing token, another scheme, and a modified token are 401", async () => {
    expect(await sendAs(listed)).toEqual({ status: 401, code: "unauthenticated" });
    const reply = await api.get((await prepare(api, person, listed)).url, {
      method: listed.method,
      headers: { authorization: `Basic ${person.token}` },
    });
    expect(reply.status).toBe(401);
    expect(reply.headers.get("www-authenticate")).toBe("Bearer");
    expect(await sendAs(listed, `${person.token}x`)).toEqual({ status: 401, code: "unauthenticated" });
    expect(await sendAs(listed, person.token.slice(0, -1))).toEqual({ status: 401, code: "unauthenticated" });
  });

  test("an expired token and a revoked one are 401", async () => {
    await api.database.sql("update sessions set expires_at = now() - interval '1 second' where id = $1", [person.sessionId]);
    expect((await sendAs(listed, person.token)).status).toBe(401);
    const other = await createUser(api, ["superuser"]);
    await send(api, { method: "DELETE" }, { url: `/api/v2/sessions/${other.sessionId}` }, other.token);
    expect((await sendAs(listed, other.token)).status).toBe(401);
  });

  test("a banned user gets 403", async () => {
    await api.database.sql("update users set banned_at = now(), ban_reason = 'spam' where id = $1", [person.id]);
    expect(await sendAs(listed, person.token)).toEqual({ status: 403, code: "account_banned" });
  });

  test("an API key without the scope gets 403, and so does any key on a sensitive operation", async () => {
    const permission = permissionOf(listed);
    const scope = permission === "chat.use" ? "minions.read" : "chat.use";
    expect(await sendAs(listed, await makeKey([scope]))).toEqual({ status: 403, code: "forbidden" });
    const key = await makeKey([permission]);
    const { status } = await sendAs(listed, key);
    expect([401, 403].includes(status)).toBe(isSensitive(listed));
  });

  test("a warm request makes at most the allowed number of round trips", async () => {
    const key = isSensitive(listed) ? person.token : await makeKey([permissionOf(listed)]);
    if (!isSensitive(listed)) await send(api, { method: "GET" }, { url: "/api/v2/me" }, key);
    const reply = await send(api, listed, await prepare(api, person, listed), key);
    const [, made] = /db;[^,]*desc="(\d+)"/.exec(reply.headers.get("server-timing")!)!;
    expect(Number(made)).toBeLessThanOrEqual(roundTrips[listed.id] ?? (isSensitive(listed) ? 2 : 1));
  });
});

describe.each(guarded.filter((listed) => permissionOf(listed).startsWith("admin.")))("$name", (listed) => {
  test("a user who is not an administrator gets 403", async () => {
    const user = await createUser(api, ["user", "premium", "developer"]);
    expect(await sendAs(listed, user.token)).toEqual({ status: 403, code: "forbidden" });
    const key = await makeKey([permissionOf(listed)], user);
    expect(await sendAs(listed, key)).toEqual({ status: 403, code: "forbidden" });
  });
});

const owned = guarded.filter((listed) => !permissionOf(listed).startsWith("admin.") && listed.path.includes("{id}"));

describe.each(owned)("$name", (listed) => {
  test("another user's resource is 404", async () => {
    const prepared = await prepare(api, person, listed);
    const stranger = await createUser(api);
    const reply = await send(api, listed, prepared, stranger.token);
    expect(reply.status).toBe(404);
  });
});

describe("25 hostile tokens and keys", () => {
  const hostile = [
    "null",
    "undefined",
    "0",
    "-1",
    "true",
    "{}",
    "[]",
    "*",
    "%",
    "_",
    "'",
    "' or '1'='1",
    "'; drop table sessions; --",
    "\\",
    "../../etc/passwd",
    "sf_",
    "sf_null",
    "mn_",
    "x".repeat(8_000),
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoxfQ.c2lnbmF0dXJl",
    "credential:1",
    "%00",
    "$1",
    "__proto__",
  ];

  test.each(hostile)("%s does not authenticate", async (secret) => {
    for (const header of [`Bearer ${secret}`, `bearer  ${secret}`]) {
      const reply = await api.get("/api/v2/me", { headers: { authorization: header } });
      expect(reply.status).toBe(401);
      const cookie = await api.get("/api/v2/me", { headers: { cookie: `__Host-spiritforge=${encodeURIComponent(secret)}` } });
      expect(cookie.status).toBe(401);
    }
  });

  test.each(["%00", "a%00b", "%F0%9F", "%C3%A9", "%20", ""])("the cookie %s is no token", async (value) => {
    for (const path of ["/api/v2/me", "/api/v2/sessions"]) {
      const reply = await api.get(path, {
        headers: { cookie: `__Host-spiritforge=${value}; __Host-spiritforge-device=${value}` },
      });
      expect(reply.status).toBe(401);
    }
  });

  test("all 25 were tried, and no session was revoked", async () => {
    expect(hostile).toHaveLength(25);
    expect((await send(api, { method: "GET" }, { url: "/api/v2/me" }, person.token)).status).toBe(200);
  });
});
