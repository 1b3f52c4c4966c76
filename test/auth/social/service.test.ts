import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildWorker, startWorkerd, type Workerd } from "../../../dev/wrangler/workerd.ts";
import { bodyOf, openTestDatabase, startStoppableBridge, testSettings, type TestDatabase } from "../../support/api.ts";
import { fakeGithub, type GithubPerson } from "../../support/fake-github.ts";

const client = { clientId: "our-client-id", clientSecret: "our-client-secret" };
const github = fakeGithub(client);

let folder: string;
let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let workerd: Workerd;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "spiritforge-social-"));
  const { modulePath } = await buildWorker(folder);
  database = await openTestDatabase();
  bridge = await startStoppableBridge(database);
  const bindings = {
    ...testSettings(bridge.url),
    GITHUB_CLIENT_ID: client.clientId,
    GITHUB_CLIENT_SECRET: client.clientSecret,
  };
  workerd = await startWorkerd({ modulePath, bindings, log: () => {}, outbound: (request) => github.answer(request) });
});

afterAll(async () => {
  await workerd.close();
  await bridge.stopPostgres();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const cookiesOf = (reply: Response) =>
  reply.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0]!)
    .join("; ");

/** Goes through the sign-in as a browser does, and comes back with its cookies. */
async function signIn(person: GithubPerson): Promise<{ reply: Response; cookie: string }> {
  const begun = await fetch(`${workerd.url}/api/auth/sign-in/github`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ callback_url: "http://localhost:3000/welcome" }),
  });
  expect(begun.status).toBe(200);
  const state = new URL((await bodyOf(begun)).url).searchParams.get("state")!;
  const query = new URLSearchParams({ code: github.agree(person), state });
  const reply = await fetch(`${workerd.url}/api/auth/callback/github?${query.toString()}`, {
    headers: { cookie: cookiesOf(begun) },
    redirect: "manual",
  });
  return { reply, cookie: cookiesOf(reply) };
}

const me = async (cookie: string) => (await bodyOf(await fetch(`${workerd.url}/api/v2/me`, { headers: { cookie } }))).user;

let lastId = 1_000;
const somebody = (change: Partial<GithubPerson> = {}): GithubPerson => {
  lastId += 1;
  return {
    id: lastId,
    login: `octo${lastId}`,
    name: "Octo Cat",
    email: `octo${lastId}@example.com`,
    verified: true,
    ...change,
  };
};

test("a first social sign-in creates an account with points and an audit row, and signs in the browser", async () => {
  const person = somebody();
  const { reply, cookie } = await signIn(person);
  expect(reply.status).toBe(302);
  expect(reply.headers.get("location")).toBe("http://localhost:3000/welcome");
  const user = await me(cookie);
  expect(user).toMatchObject({ email: person.email, is_verified: true, username: null, roles: ["user"] });
  expect(await database.sql("select total_points from user_points where user_id = $1", [user.id])).toEqual([
    { total_points: 50 },
  ]);
  expect(await database.sql("select action from audit_log where subject_user_id = $1", [user.id])).toEqual([
    { action: "account.registered" },
  ]);
  const [account] = await database.sql("select * from accounts where user_id = $1", [user.id]);
  expect(account).toMatchObject({ provider_id: "github", account_id: String(person.id), password: null });
  expect(account!["access_token"]).not.toMatch(/^gho_/);
});

test("a second social sign-in uses the same account on another device", async () => {
  const person = somebody();
  const first = await me((await signIn(person)).cookie);
  const second = await me((await signIn(person)).cookie);
  expect(second.id).toBe(first.id);
  expect(await database.sql("select 1 from sessions where user_id = $1", [first.id])).toHaveLength(2);
});

test("an unverified GitHub email does not take over an account", async () => {
  const [victim] = await database.sql(
    "insert into users (username, email, name) values ('victim', 'victim@example.com', 'victim') returning id",
  );
  const { cookie } = await signIn(somebody({ email: "victim@example.com", verified: false }));
  expect(cookie).not.toContain("__Host-spiritforge=");
  expect(await database.sql("select 1 from accounts where user_id = $1", [victim!["id"]])).toEqual([]);
});

test("an account with an unverified email is not linked to the sign-in of the email's owner", async () => {
  const [squatter] = await database.sql(
    "insert into users (username, email, name) values ('squatter', 'owner@example.com', 'squatter') returning id",
  );
  const { cookie } = await signIn(somebody({ email: "owner@example.com" }));
  expect(cookie).not.toContain("__Host-spiritforge=");
  expect(await database.sql("select 1 from accounts where user_id = $1", [squatter!["id"]])).toEqual([]);
});

test("an unknown code and another user's state do not sign in", async () => {
  const { cookie } = await signIn(somebody());
  const before = await database.sql("select count(*)::int as n from sessions");
  for (const query of ["code=unknown&state=forged", `code=${github.agree(somebody())}&state=forged`]) {
    const reply = await fetch(`${workerd.url}/api/auth/callback/github?${query}`, { headers: { cookie }, redirect: "manual" });
    expect(cookiesOf(reply)).not.toContain("__Host-spiritforge=");
  }
  expect(await database.sql("select count(*)::int as n from sessions")).toEqual(before);
});
