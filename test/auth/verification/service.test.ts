import { describe, expect, test } from "vitest";
import { bodyOf, startApi, useApi } from "../../support/api.ts";
import { authHeader } from "../../support/users.ts";

const api = useApi();

const password = "correct horse battery";

async function register(name: string) {
  const email = `${name}@example.com`;
  const { token, user } = await bodyOf(await api.post("/api/auth/register", { username: name, email, password }));
  return { token: token as string, id: user.id as number, email };
}

/** The mails to an address, the newest first, once there are so many. */
async function mailsTo(email: string, count: number): Promise<{ subject: string; text: string }[]> {
  const readMails = async () => (await bodyOf(await api.get(`/dev/mailbox.json?to=${encodeURIComponent(email)}`))).mails;
  await expect.poll(async () => (await readMails()).length).toBe(count);
  return readMails();
}

const linkIn = ({ text }: { text: string }) => new URL(/https?:\S+/.exec(text)![0]);

describe("email verification", () => {
  test("the mailed token verifies the account", async () => {
    const { token, email } = await register("prover");
    const [mail] = await mailsTo(email, 1);
    expect(mail!.subject).toBe("Verify your email address");
    const link = linkIn(mail!);
    const reply = await api.get(link.pathname + link.search);
    expect(reply.status).toBe(200);
    expect((await bodyOf(await api.get("/api/v2/me", { headers: authHeader(token) }))).user.is_verified).toBe(true);
    expect(await api.database.sql("select 1 from audit_log where action = 'account.email_verified'")).toHaveLength(1);
  });

  test("the mail is sent again on request", async () => {
    const { token, email } = await register("asker");
    await mailsTo(email, 1);
    expect((await api.get("/api/auth/resend-verification", { method: "POST", headers: authHeader(token) })).status).toBe(200);
    await mailsTo(email, 2);
  });

  test("a forged token is refused", async () => {
    for (const token of ["forged", "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFza2VyQGV4YW1wbGUuY29tIn0."]) {
      const reply = await api.get(`/api/auth/verify-email?token=${token}`);
      expect(reply.status).toBe(422);
      expect((await bodyOf(reply)).code).toBe("token_invalid");
    }
  });
});

describe("a password reset", () => {
  const forgot = (email: string) => api.post("/api/auth/forgot-password", { email });
  const reset = (token: string, to: string) => api.post("/api/auth/reset-password", { token, password: to });
  const login = (username: string, secret: string) => api.post("/api/auth/login", { username, password: secret });

  test("the mailed token replaces the password once and signs out every device", async () => {
    const { token: device, email } = await register("forgetful");
    await mailsTo(email, 1);
    await forgot(email.toUpperCase());
    const [mail] = await mailsTo(email, 2);
    const token = linkIn(mail!).searchParams.get("token")!;

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
    const token = linkIn(mail!).searchParams.get("token")!;
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
    const reply = await reset(linkIn(mail!).searchParams.get("token")!, "my-ladybird-password");
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
    await api.database.sql("update verifications set expires_at = now() - interval '1 second'");
    const reply = await reset(linkIn(mail!).searchParams.get("token")!, "another long one");
    expect(reply.status).toBe(422);
  });
});

test("with Postgres down a verification is 503, and the token works later", async () => {
  const { email } = await register("patient");
  const [mail] = await mailsTo(email, 1);
  const { pathname, search } = linkIn(mail!);
  await api.stopPostgres();
  for (const reply of [
    await api.get(pathname + search),
    await api.post("/api/auth/reset-password", { token: "any", password: "another long one" }),
  ]) {
    expect(reply.status).toBe(503);
    expect((await bodyOf(reply)).code).toBe("database_unavailable");
  }
  await api.startPostgres();
  expect((await api.get(pathname + search)).status).toBe(200);
});

describe("social sign-in", () => {
  test("an unconfigured provider is not found and not listed", async () => {
    expect((await bodyOf(await api.get("/api/auth/health"))).providers).toEqual([]);
    for (const provider of ["github", "google"]) {
      expect((await api.post(`/api/auth/sign-in/${provider}`, {})).status).toBe(404);
      expect((await api.get(`/api/auth/callback/${provider}?code=x&state=y`)).status).toBe(404);
    }
    expect((await api.post("/api/auth/sign-in/myspace", {})).status).toBe(422);
  });

  test("it redirects to the provider with our client ID, and returns only to allowed origins", async () => {
    const configured = await startApi(
      { GITHUB_CLIENT_ID: "our-client-id", GITHUB_CLIENT_SECRET: "our-client-secret" },
      api.database,
    );
    expect((await bodyOf(await configured.get("/api/auth/health"))).providers).toEqual(["github"]);
    const reply = await configured.post("/api/auth/sign-in/github", { callback_url: "http://localhost:3000/welcome" });
    expect(reply.status).toBe(200);
    const url = new URL((await bodyOf(reply)).url);
    expect(url.origin + url.pathname).toBe("https://github.com/login/oauth/authorize");
    expect(url.searchParams.get("client_id")).toBe("our-client-id");
    expect(url.searchParams.get("redirect_uri")).toMatch(/\/api\/auth\/callback\/github$/);
    expect(url.searchParams.get("state")).toBeTruthy();
    for (const callback_url of ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]) {
      const evil = await configured.post("/api/auth/sign-in/github", { callback_url });
      expect(evil.status).toBe(422);
      expect((await bodyOf(evil)).errors).toMatchObject([{ path: "callback_url" }]);
    }
    const forged = await configured.get("/api/auth/callback/github?code=x&state=forged", { redirect: "manual" });
    expect(forged.headers.get("set-cookie") ?? "").not.toContain("__Host-spiritforge=");
    expect((await configured.post("/api/auth/sign-in/google", {})).status).toBe(404);
    await configured.close();
  });
});
