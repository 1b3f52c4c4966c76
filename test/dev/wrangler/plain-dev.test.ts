import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startNeonBridge, type NeonBridge } from "../../../dev/postgres/bridge/neon-bridge.ts";
import type { EmbeddedPostgres } from "../../../dev/postgres/embedded-postgres.ts";
import { developmentVars } from "../../../dev/wrangler/vars.ts";
import { migrate } from "../../../drizzle/migrate.ts";
import { seedCatalog } from "../../../seed/seed.ts";
import { openSeededPostgres } from "../support/scratch.ts";
import { sql } from "../support/sql.ts";
import { startPlainDev } from "./plain-dev.ts";

/** `npx wrangler dev`, without `npm run dev`. */

let postgres: EmbeddedPostgres;
let bridge: NeonBridge;
let vars: Record<string, string>;
let plain: Awaited<ReturnType<typeof startPlainDev>>;

beforeAll(async () => {
  postgres = await openSeededPostgres();
  await sql(postgres.url, "DROP SCHEMA drizzle CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  bridge = await startNeonBridge({ databaseUrl: postgres.url });
  vars = {
    ...(parseEnv(await readFile(".dev.vars.example", "utf8")) as Record<string, string>),
    DATABASE_URL: "postgres://me:secret@ep-a-1.neon.tech/db",
    NEON_PROXY: bridge.url,
    AUTH_SECRET: `dev-${"a".repeat(40)}`,
    KEY_SECRETS: `dev-${"k".repeat(40)}`,
  };
  plain = await startPlainDev(vars);
  await plain.waitFor("/health", '"status":"ok"');
  return async () => {
    await plain.close();
    await bridge.close();
  };
});

afterAll(() => postgres.close());

type Reply = { token: string } & Record<"minion" | "conversation" | "message", { id: number; status?: string }>;

async function post(path: string, body: unknown, token?: string): Promise<Reply> {
  const headers = { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  const reply = await fetch(plain.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  expect([path, reply.status, reply.ok]).toEqual([path, reply.status, true]);
  return (await reply.json()) as Reply;
}

test(".dev.vars.example matches the development values", async () => {
  const example = parseEnv(await readFile(".dev.vars.example", "utf8"));
  const { ENVIRONMENT, PUBLIC_URL } = developmentVars;
  expect(example).toMatchObject({ ENVIRONMENT, PUBLIC_URL, DATABASE_URL: "", AUTH_SECRET: "", KEY_SECRETS: "" });
});

describe("wrangler dev with an empty home and without a network", () => {
  test("it prints the command that starts a database", async () => {
    const path = "/api/v2/spirits";
    expect(await plain.waitFor(path, "The database is not migrated. Run `npm run db:migrate`.")).toBe(503);
    await migrate(postgres.url);
    expect(await plain.waitFor(path, "The catalog is empty. Run `npm run db:seed`.")).toBe(503);
    await seedCatalog(postgres.url);
    expect(await plain.waitFor(path, '"success":true')).toBe(200);
  });

  test("it serves the reference, the catalog and the health of its services without a login", async () => {
    expect(plain.output()).not.toMatch(/wrangler login|not authenticated|logged in/i);
    for (const path of ["/docs", "/openapi.json", "/api/v2/spirits"]) {
      expect([path, (await fetch(plain.url + path)).status]).toEqual([path, 200]);
    }
    const health = await fetch(`${plain.url}/api/v2/health`);
    expect([health.status, await health.json()]).toMatchObject([200, { services: { postgres: { status: "up" } } }]);
  });

  test("it serves accounts, minions and conversations", async () => {
    const person = { username: "ada", email: "ada@example.com", password: "correct horse battery" };
    const { token } = await post("/api/auth/register", person);
    const { minion } = await post("/api/v2/minions", { name: "grace", display_name: "Grace" }, token);
    const { conversation } = await post(`/api/v2/minions/${minion.id}/conversations`, {}, token);
    const { message } = await post(`/api/v2/conversations/${conversation.id}/messages`, { text: "Hello" }, token);
    expect(message).toMatchObject({ status: "complete" });
  });

  test("it has no mailbox", async () => {
    expect((await fetch(`${plain.url}/dev/mailbox`)).status).toBe(404);
  });

  test.each(["DATABASE_URL", "AUTH_SECRET", "KEY_SECRETS"])(
    "it names a missing %s and the command to run",
    async (name) => {
      const incomplete = await startPlainDev({ ...vars, [name]: "" });
      try {
        const sentence = `${name} is not set: run \`npm run dev\`, which needs no settings, or fill in .dev.vars`;
        expect(await incomplete.waitFor("/health", sentence)).toBe(503);
      } finally {
        await incomplete.close();
      }
    },
    120_000,
  );
});
