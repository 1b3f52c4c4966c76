import { beforeAll, describe, expect, test } from "vitest";
import { bodyOf, useApi } from "../../support/api.ts";
import { authHeader } from "../../support/users.ts";

const api = useApi();

const password = "correct horse battery";

let made = 0;
const newcomer = (change: object = {}) => {
  made += 1;
  return {
    username: `Newcomer${made}`,
    email: `newcomer${made}@example.com`,
    password,
    first_name: "New",
    last_name: "Comer",
    ...change,
  };
};

const register = (change?: object) => api.post("/api/auth/register", newcomer(change));
const login = (username: string, secret = password) => api.post("/api/auth/login", { username, password: secret });

const userKeys = [
  "id",
  "username",
  "email",
  "first_name",
  "last_name",
  "avatar_url",
  "subscription_status",
  "is_verified",
  "roles",
  "permissions",
];

describe("registration", () => {
  test("the reply is 201 with a working token and everything that a client shows", async () => {
    const reply = await register({ username: "Ada.Lovelace", email: "Ada@Example.com" });
    expect(reply.status).toBe(201);
    const { success, message, token, user } = await bodyOf(reply);
    expect({ success, message }).toEqual({ success: true, message: expect.any(String) });
    expect(Object.keys(user)).toEqual(expect.arrayContaining(userKeys));
    expect(user).toMatchObject({
      username: "Ada.Lovelace",
      email: "ada@example.com",
      subscription_status: "free",
      is_verified: false,
      roles: ["user"],
    });
    const me = await bodyOf(await api.get("/api/v2/me", { headers: authHeader(token) }));
    expect(me).toEqual({ success: true, user });
  });

  test("the password is stored only as scrypt in PHC format", async () => {
    const { user } = await bodyOf(await register());
    const [account] = await api.database.sql("select * from accounts where user_id = $1", [user.id]);
    expect(account!["password"]).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(JSON.stringify(account)).not.toContain(password);
  });

  test("a used name or email is 409 without saying which", async () => {
    await register({ username: "Taken", email: "taken@example.com" });
    const byName = await register({ username: "tAKEN" });
    const byAddress = await register({ email: "TAKEN@example.com" });
    const details = new Set<string>();
    for (const reply of [byName, byAddress]) {
      expect(reply.status).toBe(409);
      const problem = await bodyOf(reply);
      expect(problem).toMatchObject({ code: "account_exists", success: false, error: problem.message });
      details.add(problem.detail);
    }
    expect(details.size).toBe(1);
  });

  test("ten concurrent registrations of one name create one account", async () => {
    const replies = await Promise.all(Array.from({ length: 10 }, () => register({ username: "contested" })));
    const statuses = replies.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status !== 201).every((status) => status === 409 || status === 429)).toBe(true);
    expect(await api.database.sql("select 1 from users where username = 'contested'")).toHaveLength(1);
  });

  test.each([
    ["short1234", "must have at least 10 characters"],
    ["x".repeat(129), "must have at most 128 characters"],
    ["password123", "is one of the most common passwords"],
    ["1234567890", "is one of the most common passwords"],
    ["QWERTYUIOP", "is one of the most common passwords"],
    ["abababababab", "is one of the most common passwords"],
    ["my-grace-hopper-1", "must not contain the username"],
  ])("the password %s is refused: %s", async (weak, why) => {
    const reply = await register({ username: "Grace-Hopper", password: weak });
    expect(reply.status).toBe(422);
    expect((await bodyOf(reply)).errors).toEqual([{ path: "password", in: "body", message: why }]);
  });

  test.each([
    [{ username: "ab" }, "username"],
    [{ username: "with space" }, "username"],
    [{ username: "who@where" }, "username"],
    [{ email: "nowhere" }, "email"],
    [{ password: undefined }, "password"],
    [{ first_name: "x".repeat(81) }, "first_name"],
    [{ first_name: "Winner! Claim https://evil.example" }, "first_name"],
    [{ first_name: "two\r\nlines" }, "first_name"],
    [{ last_name: "\u202egnp.exe" }, "last_name"],
    [{ last_name: "evil.com" }, "last_name"],
  ])("%j is refused at %s", async (change, path) => {
    const reply = await register(change);
    expect(reply.status).toBe(422);
    expect((await bodyOf(reply)).errors).toMatchObject([{ path, in: "body" }]);
  });

  test("a registration reports the faults of all fields at once, those of the password rules too", async () => {
    const first_name = "x".repeat(81);
    const reply = await register({ username: "a b", email: "nowhere", password: "a b", first_name, last_name: 1 });
    expect(reply.status).toBe(422);
    const { errors, detail } = await bodyOf(reply);
    expect(errors.map(({ path, message }: Record<string, string>) => `${path}: ${message}`)).toEqual([
      "username: may contain only letters, digits, _ . and -",
      "email: must be an email address",
      "first_name: must have at most 80 characters",
      "last_name: must be a string, not a number",
      "password: must have at least 10 characters",
      "password: must not contain the username",
    ]);
    for (const { message } of errors) expect(detail).toContain(message);
    expect((await bodyOf(await register({ username: "\0", password: "" }))).errors).toEqual([
      { path: "username", in: "body", message: "has a character that cannot be stored" },
      { path: "password", in: "body", message: "must have at least 10 characters" },
    ]);
  });

  test("the audit log records the location of the registration", async () => {
    const reply = await register();
    const { user } = await bodyOf(reply);
    const rows = await api.database.sql("select * from audit_log where subject_user_id = $1", [user.id]);
    expect(rows).toMatchObject([
      { action: "account.registered", actor: "anonymous", request_id: reply.headers.get("x-request-id") },
    ]);
  });

  test("with Postgres down it is 503, and the same registration works later", async () => {
    const person = newcomer();
    await api.stopPostgres();
    const reply = await api.post("/api/auth/register", person);
    expect(reply.status).toBe(503);
    expect((await bodyOf(reply)).code).toBe("database_unavailable");
    await api.startPostgres();
    expect((await api.post("/api/auth/register", person)).status).toBe(201);
  });
});

describe("sign-in", () => {
  beforeAll(async () => {
    await register({ username: "Kathleen", email: "kathleen@example.com" });
  });

  test.each(["Kathleen", "kathleen", " KATHLEEN ", "kathleen@example.com", "Kathleen@Example.COM"])(
    "sign-in works with %s",
    async (name) => {
      const reply = await login(name);
      expect(reply.status).toBe(200);
      const { token, user } = await bodyOf(reply);
      expect(user.username).toBe("Kathleen");
      expect((await api.get("/api/auth/verify", { headers: authHeader(token) })).status).toBe(200);
    },
  );

  test("a wrong password, an unknown name and an account without a password get the same reply", async () => {
    await api.database.sql(
      "insert into users (username, email, name) values ('social', 'social@example.com', 'social') on conflict do nothing",
    );
    const bodies = new Set<string>();
    for (const [name, secret] of [
      ["kathleen", "a wrong password"],
      ["nobody-at-all", password],
      ["nobody@example.com", password],
      ["social", password],
      ["KATHLEEN", password.toUpperCase()],
    ] as const) {
      const reply = await login(name, secret);
      expect(reply.status).toBe(401);
      const { request_id: _id, ...problem } = await bodyOf(reply);
      bodies.add(JSON.stringify(problem));
    }
    expect(bodies.size).toBe(1);
  });

  test("a banned user gets 403, only with the correct password", async () => {
    const { user } = await bodyOf(await register({ username: "banned" }));
    await api.database.sql("update users set banned_at = now() where id = $1", [user.id]);
    expect((await bodyOf(await login("banned"))).code).toBe("account_banned");
    expect((await bodyOf(await login("banned", "a wrong password"))).code).toBe("invalid_credentials");
  });

  test("the session cookie is HttpOnly", async () => {
    const cookie = (await login("kathleen")).headers.get("set-cookie")!;
    for (const attribute of ["__Host-spiritforge=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"])
      expect(cookie).toContain(attribute);
  });
});

describe("the session cookie", () => {
  let cookie: string;

  beforeAll(async () => {
    cookie = (await login("kathleen")).headers.get("set-cookie")!.split(";")[0]!;
  });

  const change = (headers: Record<string, string>) =>
    api.get("/api/v2/me", {
      method: "PATCH",
      headers: { cookie, "content-type": "application/json", ...headers },
      body: JSON.stringify({ first_name: "Kathy" }),
    });

  test("the cookie authenticates requests", async () => {
    expect((await api.get("/api/v2/me", { headers: { cookie } })).status).toBe(200);
  });

  test("a change with the cookie needs an allowed origin", async () => {
    expect((await change({ origin: api.url.origin })).status).toBe(200);
    expect((await change({ origin: "http://localhost:3000" })).status).toBe(200);
    for (const origin of [undefined, "https://evil.example", "null", `${api.url.origin}.evil.example`]) {
      const reply = await change(origin === undefined ? {} : { origin });
      expect(reply.status).toBe(403);
      expect((await bodyOf(reply)).code).toBe("cross_site");
    }
  });

  test("signing out clears the cookie", async () => {
    const out = await api.get("/api/auth/logout", { method: "POST", headers: { cookie, origin: api.url.origin } });
    expect(out.status).toBe(200);
    expect(out.headers.get("set-cookie")).toContain("Max-Age=0");
    expect((await api.get("/api/v2/me", { headers: { cookie } })).status).toBe(401);
  });
});

describe("the profile", () => {
  test("the old and the new route read and change the same profile", async () => {
    const { token } = await bodyOf(await register());
    const headers = { ...authHeader(token), "content-type": "application/json" };
    const put = await api.get("/api/auth/profile", {
      method: "PUT",
      headers,
      body: JSON.stringify({ first_name: "Grace", avatar_url: "https://example.com/grace.png" }),
    });
    expect(await bodyOf(put)).toMatchObject({ user: { first_name: "Grace", last_name: "Comer" } });
    const { user } = await bodyOf(await api.get("/api/auth/profile", { headers }));
    expect(user.avatar_url).toBe("https://example.com/grace.png");
    expect(await bodyOf(await api.get("/api/v2/me", { headers }))).toEqual({ success: true, user });
    for (const [field, value] of [
      ["avatar_url", "javascript:alert(1)"],
      ["avatar_url", "https://user:secret@example.com/grace.png"],
      ["first_name", "www.evil.example"],
      ["last_name", "zero\u200bwidth"],
    ] as const) {
      const bad = await api.get("/api/v2/me", { method: "PATCH", headers, body: JSON.stringify({ [field]: value }) });
      expect([bad.status, (await bodyOf(bad)).errors]).toMatchObject([422, [{ path: field, in: "body" }]]);
    }
  });
});

describe("a password change", () => {
  test.each([
    ["current_password", "new_password"],
    ["currentPassword", "newPassword"],
  ])("the fields %s and %s are accepted, and the other devices are signed out", async (current, next) => {
    const { token, user } = await bodyOf(await register());
    const other = await bodyOf(await login(user.email));
    const headers = { ...authHeader(token), "content-type": "application/json" };
    const changePassword = (from: string, to: string) =>
      api.get("/api/auth/change-password", { method: "POST", headers, body: JSON.stringify({ [current]: from, [next]: to }) });

    expect((await bodyOf(await changePassword("is another", "a longer password"))).code).toBe("invalid_credentials");
    expect((await bodyOf(await changePassword(password, "short"))).errors).toMatchObject([{ path: "new_password" }]);
    expect((await changePassword(password, "a longer password")).status).toBe(200);

    expect((await api.get("/api/v2/me", { headers })).status).toBe(200);
    expect((await api.get("/api/v2/me", { headers: authHeader(other.token) })).status).toBe(401);
    expect((await login(user.email)).status).toBe(401);
    expect((await login(user.email, "a longer password")).status).toBe(200);
  });
});
