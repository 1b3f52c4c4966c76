import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { startWorkerd, type Workerd } from "../../dev/wrangler/workerd.ts";
import { openTestDatabase, startStoppableBridge, testSettings, type TestDatabase } from "../support/api.ts";
import { authHeader, createUser } from "../support/users.ts";

let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let workerd: Workerd;

beforeAll(async () => {
  const { modulePath } = inject("built").production;
  database = await openTestDatabase();
  bridge = await startStoppableBridge(database);
  workerd = await startWorkerd({ modulePath, bindings: testSettings(bridge.url), log: () => {} });
});

afterAll(async () => {
  await workerd.close();
  await bridge.stopPostgres();
  await database.close();
});

const password = "correct horse battery";

function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(workerd.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

test("1,000 wrong sign-ins from many addresses block neither the owner on a known device nor other users", async () => {
  const registered = await post("/api/auth/register", { username: "besieged", email: "besieged@example.com", password });
  const device = registered.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0]!)
    .find((cookie) => cookie.startsWith("__Host-spiritforge-device="))!;
  const bystander = await createUser({ database });

  const requestUnrelated = async () => {
    const reply = await fetch(`${workerd.url}/api/v2/me`, { headers: authHeader(bystander.token) });
    await reply.text();
    expect(reply.status).toBe(200);
  };

  const statuses = new Map<number, number>();
  const attempt = async (round: number, i: number) => {
    const address = { "cf-connecting-ip": `198.18.${round}.${i}` };
    const reply = await post("/api/auth/login", { username: "besieged", password: `wrong password ${round} ${i}` }, address);
    await reply.text();
    statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
  };
  /** 100 attempts in a second, whether or not those before were answered. */
  const attack = (round: number) =>
    Promise.all(Array.from({ length: 100 }, (_, i) => sleep(i * 10).then(() => attempt(round, i))));

  for (let round = 0; round < 10; round += 1) {
    const siege = attack(round);
    for (let i = 0; i < 10; i += 1) await requestUnrelated();
    await siege;
  }

  // What got past the gate was hashed and refused; the rest cost no hash.
  expect((statuses.get(401) ?? 0) + (statuses.get(429) ?? 0)).toBe(1_000);
  expect(statuses.get(401)).toBeLessThanOrEqual(12);

  // The wait may just be over: a guess that is let in begins a longer one.
  await attempt(10, 0);
  const owner = { username: "besieged", password };
  expect((await post("/api/auth/login", owner, { "cf-connecting-ip": "203.0.113.1" })).status).toBe(429);
  expect((await post("/api/auth/login", owner, { "cf-connecting-ip": "203.0.113.1", cookie: device })).status).toBe(200);
});
