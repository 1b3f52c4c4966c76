import { describe, expect, test } from "vitest";
import { bodyOf, useApi } from "../../support/api.ts";
import { authHeader } from "../../support/users.ts";

const api = useApi();

const password = "correct horse battery";

async function register(name: string, change: object = {}) {
  const email = `${name}@example.com`;
  const { token, user } = await bodyOf(await api.post("/api/auth/register", { username: name, email, password, ...change }));
  return { token: token as string, id: user.id as number, email };
}

/** The mails to an address, the newest first, once there are so many. */
async function mailsTo(email: string, count: number): Promise<{ subject: string; text: string }[]> {
  const readMails = async () => (await bodyOf(await api.get(`/dev/mailbox.json?to=${encodeURIComponent(email)}`))).mails;
  await expect.poll(async () => (await readMails()).length).toBe(count);
  return readMails();
}

const linkIn = ({ text }: { text: string }) => new URL(/https?:\S+/.exec(text)![0]);
const tokenIn = (mail: { text: string }) => linkIn(mail).searchParams.get("token")!;

/** Makes the last mail of every address older than the cooldown. */
const coolDown = () => api.database.sql("update mail_recipients set last_sent_at = now() - interval '61 seconds'");

const verify = (token: string) => api.post("/api/auth/verify-email", { token });
const isVerified = async (token: string) =>
  (await bodyOf(await api.get("/api/v2/me", { headers: authHeader(token) }))).user.is_verified as boolean;
const resend = (token: string) => api.get("/api/auth/resend-verification", { method: "POST", headers: authHeader(token) });
async function jobsAreDone(): Promise<void> {
  await expect.poll(() => api.database.sql("select 1 from outbox")).toEqual([]);
}

/** The refusal of a link, in words. */
async function refusalOf(reply: Response): Promise<string> {
  expect(reply.status).toBe(422);
  const { code, detail } = await bodyOf(reply);
  expect(code).toBe("token_invalid");
  return detail as string;
}

describe("email verification", () => {
  test("the mailed token verifies the account once, in every session", async () => {
    const { token, email } = await register("prover");
    const [mail] = await mailsTo(email, 1);
    const other = (await bodyOf(await api.post("/api/auth/login", { username: "prover", password }))).token as string;
    expect((await verify(tokenIn(mail!))).status).toBe(200);
    for (const session of [token, other]) expect(await isVerified(session)).toBe(true);
    expect(await api.database.sql("select 1 from audit_log where action = 'account.email_verified'")).toHaveLength(1);
    expect(await refusalOf(await verify(tokenIn(mail!)))).toContain("already used");
  });

  test("a HEAD or GET of the mailed link verifies nothing, and leaks no referrer", async () => {
    const { token, email } = await register("prefetched");
    const [mail] = await mailsTo(email, 1);
    const link = linkIn(mail!);
    expect(link.pathname).toBe("/verify-email");
    const pages = new Set<string>();
    for (const method of ["HEAD", "GET", "GET", "HEAD"]) {
      const reply = await api.get(link.pathname + link.search, { method });
      expect(reply.status).toBe(200);
      expect(reply.headers.get("referrer-policy")).toBe("no-referrer");
      expect(reply.headers.get("content-security-policy")).toContain("default-src 'self'");
      if (method === "GET") pages.add(await reply.text());
    }
    expect(pages.size).toBe(1);
    expect(Array.from(pages)[0]).toContain("<button>");
    for (const method of ["HEAD", "GET"]) {
      expect((await api.get(`/api/auth/verify-email${link.search}`, { method })).status).toBe(405);
    }
    expect(await isVerified(token)).toBe(false);
    expect((await verify(tokenIn(mail!))).status).toBe(200);
    expect(await isVerified(token)).toBe(true);
  });

  test("ten requests at once with one token verify the account once", async () => {
    const { id, email } = await register("impatient");
    const token = tokenIn((await mailsTo(email, 1))[0]!);
    const statuses = (await Promise.all(Array.from({ length: 10 }, () => verify(token)))).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(9).fill(422)]);
    const proofs = "select 1 from audit_log where action = 'account.email_verified' and subject_user_id = $1";
    expect(await api.database.sql(proofs, [id])).toHaveLength(1);
  });

  test("the mail is sent again on request, but not within a minute, with the same reply", async () => {
    const { token, email } = await register("asker");
    await mailsTo(email, 1);
    const early = await resend(token);
    await jobsAreDone();
    await mailsTo(email, 1);
    await coolDown();
    const late = await resend(token);
    expect([early.status, late.status]).toEqual([200, 200]);
    expect(await bodyOf(early)).toEqual(await bodyOf(late));
    const [newer, older] = await mailsTo(email, 2);
    expect((await verify(tokenIn(older!))).status).toBe(200);
    expect(await refusalOf(await verify(tokenIn(newer!)))).toContain("already used");
  });

  test("a token that has expired, belongs to another address or is forged is refused with its reason", async () => {
    const { id, email } = await register("outdated");
    const token = tokenIn((await mailsTo(email, 1))[0]!);
    await api.database.sql("update users set email = 'moved@example.com' where id = $1", [id]);
    expect(await refusalOf(await verify(token))).toContain("no longer has");
    await api.database.sql("update users set email = $2 where id = $1", [id, email]);
    await api.database.sql("update email_tokens set expires_at = now() where user_id = $1", [id]);
    expect(await refusalOf(await verify(token))).toContain("expired");
    for (const forged of ["forged", token.slice(0, -1), `${token}x`])
      expect(await refusalOf(await verify(forged))).toContain("invalid or incomplete");
    expect((await bodyOf(await verify(""))).errors).toMatchObject([{ path: "token" }]);
  });

  test("a reset token does not verify an address, and a verification token does not reset a password", async () => {
    const { email } = await register("confused");
    const proof = tokenIn((await mailsTo(email, 1))[0]!);
    await coolDown();
    await api.post("/api/auth/forgot-password", { email });
    const reset = tokenIn((await mailsTo(email, 2))[0]!);
    const mistaken = api.post("/api/auth/reset-password", { token: proof, password: "another long one" });
    for (const reply of [await verify(reset), await mistaken])
      expect(await refusalOf(reply)).toContain("invalid or incomplete");
  });

  test("a verification ends when the account gets another address", async () => {
    const { token, id, email } = await register("mover");
    expect((await verify(tokenIn((await mailsTo(email, 1))[0]!))).status).toBe(200);
    await api.database.sql("update users set email = 'elsewhere@example.com' where id = $1", [id]);
    expect(await isVerified(token)).toBe(false);
  });

  test("no token is stored in plain text", async () => {
    const { email } = await register("hashed");
    const token = tokenIn((await mailsTo(email, 1))[0]!);
    expect(JSON.stringify(await api.database.sql("select * from email_tokens"))).not.toContain(token);
  });
});

describe("a mail", () => {
  test("a mail contains nothing that a user wrote", async () => {
    const { email, id } = await register("stranger", { first_name: "Prize", last_name: "Winner" });
    await mailsTo(email, 1);
    await api.database.sql("update users set name = 'Claim https://evil.example', first_name = 'Claim' where id = $1", [id]);
    await coolDown();
    await api.post("/api/auth/forgot-password", { email });
    const [reset, proof] = await mailsTo(email, 2);
    expect([proof!.subject, reset!.subject]).toEqual(["Verify your email address", "Reset your password"]);
    for (const { text } of [proof!, reset!]) {
      expect(text).toMatch(/^Hello,\n\n/);
      expect(text).not.toMatch(/Prize|Winner|Claim|evil|stranger(?!@)/);
    }
  });

  test("an address gets one mail a minute and ten a day, over all accounts, spellings and kinds", async () => {
    const first = await register("target");
    await mailsTo(first.email, 1);
    const aliases = ["target+1@example.com", "Target+2@EXAMPLE.com", "target+3@example.com"];
    const accounts = await Promise.all(
      aliases.map(async (email, index) =>
        bodyOf(await api.post("/api/auth/register", { username: `alias${index}`, email, password })),
      ),
    );
    const mails = async () => {
      await jobsAreDone();
      const all = [first.email, ...aliases].map(
        async (email) => (await bodyOf(await api.get(`/dev/mailbox.json?to=${encodeURIComponent(email)}`))).mails,
      );
      return (await Promise.all(all)).flat().length;
    };
    expect(await mails()).toBe(1);
    const askAll = () =>
      Promise.all([
        resend(first.token),
        ...accounts.map(({ token }) => resend(token)),
        ...[first.email, ...aliases].map((email) => api.post("/api/auth/forgot-password", { email })),
      ]);
    for (let round = 2; round <= 12; round += 1) {
      await coolDown();
      for (const reply of await askAll()) expect(reply.status).toBe(200);
      expect(await mails()).toBe(Math.min(round, 10));
    }
  });
});

describe("a password reset", () => {
  const forgot = async (email: string) => {
    await coolDown();
    return api.post("/api/auth/forgot-password", { email });
  };
  const reset = (token: string, to: string, change: object = {}) =>
    api.post("/api/auth/reset-password", { token, password: to, ...change });
  const login = (username: string, secret: string) => api.post("/api/auth/login", { username, password: secret });

  test("the mailed token replaces the password once and signs out every device", async () => {
    const { token: device, email } = await register("forgetful");
    await mailsTo(email, 1);
    await forgot(email.toUpperCase());
    const [mail] = await mailsTo(email, 2);
    const token = tokenIn(mail!);

    expect((await bodyOf(await reset(token, "short"))).errors).toMatchObject([{ path: "password" }]);
    expect((await reset(token, "another long one")).status).toBe(200);
    expect((await api.get("/api/v2/me", { headers: authHeader(device) })).status).toBe(401);
    expect((await login(email, password)).status).toBe(401);
    expect((await login(email, "another long one")).status).toBe(200);

    const again = await reset(token, "yet another one");
    expect(again.status).toBe(422);
    expect((await bodyOf(again)).code).toBe("token_invalid");
  });

  test("ten concurrent resets with one token replace the password once", async () => {
    const { email } = await register("hasty");
    await mailsTo(email, 1);
    await forgot(email);
    const [mail] = await mailsTo(email, 2);
    const token = tokenIn(mail!);
    const replies = await Promise.all(Array.from({ length: 10 }, (_, i) => reset(token, `another long one ${i}`)));
    const statuses = replies.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 422)).toHaveLength(9);
    const [user] = await api.database.sql("select id from users where email = $1", [email]);
    const resets = "select 1 from audit_log where action = 'account.password_reset' and subject_user_id = $1";
    expect(await api.database.sql(resets, [user!["id"]])).toHaveLength(1);
  });

  test("the new password may not contain the username", async () => {
    const { email } = await register("ladybird");
    await mailsTo(email, 1);
    await forgot(email);
    const [mail] = await mailsTo(email, 2);
    const reply = await reset(tokenIn(mail!), "my-ladybird-password");
    expect((await bodyOf(reply)).errors).toMatchObject([{ path: "password", message: "must not contain the username" }]);
  });

  test("the reply is the same with and without an account, in one round trip that queues the mail", async () => {
    const { email } = await register("somebody");
    const known = await forgot(email);
    const unknown = await forgot("nobody-here@example.com");
    for (const reply of [known, unknown]) {
      expect(reply.status).toBe(200);
      expect(reply.headers.get("server-timing")).toMatch(/^db;[^,]*desc="1", kv;[^,]*desc="0", do;[^,]*desc="0"$/);
    }
    expect(await bodyOf(known)).toEqual(await bodyOf(unknown));
    await mailsTo("nobody-here@example.com", 0);
  });

  test("an expired token is refused", async () => {
    const { email } = await register("tardy");
    await mailsTo(email, 1);
    await forgot(email);
    const [mail] = await mailsTo(email, 2);
    await api.database.sql("update email_tokens set expires_at = now() - interval '1 second'");
    expect(await refusalOf(await reset(tokenIn(mail!), "another long one"))).toContain("expired");
  });

  test("a GET of the link changes no password", async () => {
    const { email } = await register("looked");
    await mailsTo(email, 1);
    await forgot(email);
    const { pathname, search } = linkIn((await mailsTo(email, 2))[0]!);
    for (const method of ["HEAD", "GET"]) {
      const reply = await api.get(pathname + search, { method });
      expect([reply.status, reply.headers.get("referrer-policy")]).toEqual([200, "no-referrer"]);
      expect((await api.get(`/api/auth/reset-password${search}`, { method })).status).toBe(405);
    }
    expect((await login(email, password)).status).toBe(200);
  });

  test("an older link is invalid after the password has changed", async () => {
    const { token, email } = await register("changer");
    await mailsTo(email, 1);
    await forgot(email);
    const [mail] = await mailsTo(email, 2);
    const changed = await api.get("/api/auth/change-password", {
      method: "POST",
      headers: { ...authHeader(token), "content-type": "application/json" },
      body: JSON.stringify({ current_password: password, new_password: "another long one" }),
    });
    expect(changed.status).toBe(200);
    expect(await refusalOf(await reset(tokenIn(mail!), "yet another one"))).toContain("already used");
  });

  test.each([[true], [false]])("a reset revokes API keys and minion tokens if asked: %s", async (revoke) => {
    const { token, email } = await register(`keeper${revoke}`);
    await mailsTo(email, 1);
    const headers = { ...authHeader(token), "content-type": "application/json" };
    const body = JSON.stringify({ name: "a key", scopes: ["account.read"] });
    const { key } = await bodyOf(await api.get("/api/v2/api-keys", { method: "POST", headers, body }));
    const settings = JSON.stringify({ name: "m", display_name: "M", model: "builtin/extractive" });
    const { minion } = await bodyOf(await api.get("/api/v2/minions", { method: "POST", headers, body: settings }));
    const made = await api.get(`/api/v2/minions/${minion.id}/token`, { method: "POST", headers });
    expect(made.status).toBe(201);
    const status = () => api.get("/api/v2/me", { headers: authHeader(key) }).then((reply) => reply.status);
    expect(await status()).toBe(200);
    await forgot(email);
    const reply = await reset(
      tokenIn((await mailsTo(email, 2))[0]!),
      "another long one",
      revoke ? { revoke_api_keys: true } : {},
    );
    expect(reply.status).toBe(200);
    expect(await status()).toBe(revoke ? 401 : 200);
    const tokens = "select 1 from minion_tokens where minion_id = $1";
    expect(await api.database.sql(tokens, [minion.id])).toHaveLength(revoke ? 0 : 1);
  });
});

test("with Postgres down a verification is 503, and the token works later", async () => {
  const { email } = await register("patient");
  const token = tokenIn((await mailsTo(email, 1))[0]!);
  await api.stopPostgres();
  for (const reply of [
    await verify(token),
    await api.post("/api/auth/reset-password", { token: "any", password: "another long one" }),
  ]) {
    expect(reply.status).toBe(503);
    expect((await bodyOf(reply)).code).toBe("database_unavailable");
  }
  await api.startPostgres();
  expect((await verify(token)).status).toBe(200);
});
