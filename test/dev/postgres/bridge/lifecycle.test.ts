import { join } from "node:path";
import { neon, neonConfig } from "@neondatabase/serverless";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startNeonBridge } from "../../../../dev/postgres/bridge/neon-bridge.ts";
import { openEmbeddedPostgres, type EmbeddedPostgres } from "../../../../dev/postgres/embedded-postgres.ts";
import { freePort } from "../../../../dev/port.ts";
import { openSeededPostgres, seededFolder } from "../../support/scratch.ts";

let postgres: EmbeddedPostgres;
const query = neon("postgres://user:password@database.invalid/name");

beforeAll(async () => {
  postgres = await openSeededPostgres();
});

afterAll(() => postgres.close());

async function startBridge(databaseUrl: string, port?: number) {
  const bridge = await startNeonBridge({ databaseUrl, ...(port === undefined ? {} : { port }) });
  neonConfig.fetchEndpoint = () => `${bridge.url}/sql`;
  // The driver's own, whoever had another before.
  neonConfig.fetchFunction = undefined;
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= bridge.close());
  onTestFinished(close);
  return { ...bridge, close };
}

describe("the bridge", () => {
  test("a request that does not follow Neon's protocol gets a reason", async () => {
    const { url } = await startBridge(postgres.url);
    const post = async (body: string, headers: Record<string, string> = {}, path = "/sql") => {
      const reply = await fetch(url + path, { method: "POST", body, headers: { "neon-raw-text-output": "true", ...headers } });
      return [reply.status, (await reply.json<{ message: string }>()).message];
    };
    expect(await post("{")).toEqual([400, expect.stringContaining("could not parse the HTTP request body")]);
    expect(await post('{"sql":"SELECT 1"}')).toEqual([400, expect.stringContaining("query")]);
    expect(await post('{"query":"SELECT 1","params":{}}')).toEqual([400, expect.stringContaining("params")]);
    expect(await post('{"queries":[]}', { "neon-batch-isolation-level": "Loose" })).toEqual([400, "invalid isolation level"]);
    expect(await post('{"query":"SELECT 1"}', { "neon-raw-text-output": "false" })).toEqual([
      400,
      "expected Neon-Raw-Text-Output: true",
    ]);
    expect(await post('{"query":"SELECT 1"}', {}, "/")).toEqual([404, "expected POST /sql"]);
    expect(await query`SELECT 1 AS alive`).toEqual([{ alive: 1 }]);
  });

  test("it can be stopped and started again on its port", async () => {
    const first = await startBridge(postgres.url);
    await query`SELECT 1`;
    await first.close();
    await expect(query`SELECT 1`).rejects.toThrow("Error connecting to database");

    const second = await startBridge(postgres.url, Number(new URL(first.url).port));
    expect(second.url).toBe(first.url);
    expect(await query`SELECT 1 AS back`).toEqual([{ back: 1 }]);
    expect(second.roundTrips()).toBe(1);
  });

  test("stopping it rolls back running transactions", async () => {
    const bridge = await startBridge(postgres.url);
    await query`CREATE TABLE written ()`;
    const holder = new Client({ connectionString: postgres.url });
    onTestFinished(() => holder.end());
    await holder.connect();
    await holder.query("BEGIN");
    const writing = query.transaction([query`INSERT INTO written DEFAULT VALUES`]).catch((error: Error) => error.message);
    for (let turn = 0; turn < 5; turn++) await holder.query("SELECT 1");
    const closed = bridge.close();
    expect(await writing).toContain("Error connecting to database");
    await holder.query("COMMIT");
    await closed;
    expect((await holder.query("SELECT FROM written")).rowCount).toBe(0);
  });

  test("the driver throws while Postgres is down and works again when it is back", async () => {
    const port = await freePort();
    const dataDir = join(await seededFolder(), "postgres");
    await startBridge(`postgres://postgres@127.0.0.1:${port}/postgres`);
    await expect(query`SELECT 1`).rejects.toThrow(`HTTP status 500): {"message":"connect ECONNREFUSED 127.0.0.1:${port}"}`);

    for (const round of [1, 2]) {
      const database = await openEmbeddedPostgres({ dataDir, port });
      expect(await query`SELECT ${round}::int AS round`).toEqual([{ round }]);
      await database.close();
      await expect(query`SELECT 1`).rejects.toThrow("Server error (HTTP status 500)");
    }
  });
});
