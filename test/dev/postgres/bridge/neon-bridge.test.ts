import { neon, neonConfig, NeonDbError, types } from "@neondatabase/serverless";
import { Client, types as untouched } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { startNeonBridge, type NeonBridge } from "../../../../dev/postgres/bridge/neon-bridge.ts";
import type { EmbeddedPostgres } from "../../../../dev/postgres/embedded-postgres.ts";
import { openSeededPostgres } from "../../support/scratch.ts";

let postgres: EmbeddedPostgres;
let bridge: NeonBridge;
const query = neon("postgres://user:password@database.invalid/name");

/** What the driver throws. */
async function failure(work: Promise<unknown>): Promise<NeonDbError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NeonDbError);
  return error as NeonDbError;
}

/** Drizzle changes this parser of the driver's for the whole process. */
const { TIMESTAMPTZ } = untouched.builtins;
const found = types.getTypeParser(TIMESTAMPTZ);
afterAll(() => types.setTypeParser(TIMESTAMPTZ, found));

beforeAll(async () => {
  types.setTypeParser(TIMESTAMPTZ, untouched.getTypeParser(TIMESTAMPTZ));
  postgres = await openSeededPostgres();
  bridge = await startNeonBridge({ databaseUrl: postgres.url });
  neonConfig.fetchEndpoint = () => `${bridge.url}/sql`;
  // The driver's own, whoever had another before.
  neonConfig.fetchFunction = undefined;
  await query`CREATE TABLE things (id int PRIMARY KEY, name text NOT NULL, CONSTRAINT name_not_empty CHECK (name <> ''))`;
});

beforeEach(async () => {
  await query`DELETE FROM things`;
});

afterAll(async () => {
  await bridge.close();
  await postgres.close();
});

describe("a query through the bridge", () => {
  test("it returns objects or arrays", async () => {
    expect(await query`SELECT ${1}::int AS id, 'Writer' AS name, NULL AS nothing`).toEqual([
      { id: 1, name: "Writer", nothing: null },
    ]);
    expect(await query.query("SELECT 1 AS a, 2 AS a", [], { arrayMode: true })).toEqual([[1, 2]]);
  });

  test("it returns all of Neon's result metadata", async () => {
    const result = await query.query("INSERT INTO things VALUES ($1, $2), (2, 'b') RETURNING id", [1, "a"], {
      fullResults: true,
    });
    expect(result).toMatchObject({ command: "INSERT", rowCount: 2, rows: [{ id: 1 }, { id: 2 }], rowAsArray: false });
    expect(result.fields).toMatchObject([
      { name: "id", dataTypeID: 23, dataTypeSize: 4, dataTypeModifier: -1, format: "text" },
    ]);
  });

  test.each([
    ["timestamptz", "2026-02-03T04:05:06.789Z", new Date("2026-02-03T04:05:06.789Z")],
    ["jsonb", { list: [1, "two", null] }, { list: [1, "two", null] }],
    ["int8", "9007199254740993", "9007199254740993"],
    ["float8", 0.1, 0.1],
    ["bool", true, true],
    ["text[]", ["plain", 'quo"ted', "com,ma", "", "NULL"], ["plain", 'quo"ted', "com,ma", "", "NULL"]],
    ["bytea", Buffer.from([0, 1, 255]), Buffer.from([0, 1, 255])],
    ["text", "'; naïve — 漢字 🜂 \\", "'; naïve — 漢字 🜂 \\"],
    ["text", null, null],
  ])("it sends and returns %s unchanged", async (type, value, expected) => {
    const [row] = await query.query(`SELECT $1::${type} AS value`, [value]);
    expect(row).toEqual({ value: expected });
  });

  test("it fails with the error of Postgres", async () => {
    const taken = await failure(query`INSERT INTO things VALUES (1, '')`);
    expect(taken).toMatchObject({
      code: "23514",
      severity: "ERROR",
      constraint: "name_not_empty",
      table: "things",
      schema: "public",
    });
    expect(taken).toMatchObject({ routine: "ExecConstraints", file: "execMain.c", line: expect.stringMatching(/^\d+$/) });
    expect(taken.detail).toContain("Failing row contains");
    expect(await failure(query`INSERT INTO things VALUES (1, NULL)`)).toMatchObject({ code: "23502", column: "name" });
    expect(await failure(query`SELECT nam FROM things`)).toMatchObject({
      code: "42703",
      position: "8",
      hint: expect.stringContaining("name"),
    });
  });

  test("it is one statement", async () => {
    expect(await failure(query`SELECT 1; SELECT 2`)).toMatchObject({ code: "42601" });
  });

  test("it leaves nothing in its session", async () => {
    await query`SET statement_timeout = 1234`;
    expect(await query`SHOW statement_timeout`).toEqual([{ statement_timeout: "0" }]);
    await query`BEGIN`;
    await query`INSERT INTO things VALUES (1, 'a')`;
    expect(await failure(query`SAVEPOINT inside`)).toMatchObject({ code: "25P01" });
  });

  test("it waits for its turn on a single connection", async () => {
    const before = bridge.roundTrips();
    const numbers = [...Array(8).keys()];
    const rows = await Promise.all(numbers.map((n) => query`SELECT ${n}::int AS n, ${"x".repeat(100_000)} AS long`));
    expect(rows.map(([row]) => row?.["n"])).toEqual(numbers);
    expect(bridge.roundTrips() - before).toBe(8);
  });
});

describe("a transaction through the bridge", () => {
  const spirit = (id: number, name: string) => query`INSERT INTO things VALUES (${id}, ${name}) RETURNING id`;
  const count = () => query`SELECT count(*)::int AS n FROM things`;

  test("it commits as a whole", async () => {
    expect(await query.transaction([spirit(1, "a"), spirit(2, "b"), count()])).toEqual([[{ id: 1 }], [{ id: 2 }], [{ n: 2 }]]);
    expect(await count()).toEqual([{ n: 2 }]);
  });

  test("it rolls back as a whole", async () => {
    expect(await failure(query.transaction([spirit(1, "a"), spirit(2, "")]))).toMatchObject({ constraint: "name_not_empty" });
    expect(await count()).toEqual([{ n: 0 }]);
  });

  test("it fails and rolls back if the commit fails", async () => {
    await query`CREATE TABLE deferred (id int CONSTRAINT later UNIQUE DEFERRABLE INITIALLY DEFERRED)`;
    const twice = query.transaction([query`INSERT INTO deferred VALUES (1)`, query`INSERT INTO deferred VALUES (1)`]);
    expect(await failure(twice)).toMatchObject({ constraint: "later" });
    expect(await query`SELECT FROM deferred`).toEqual([]);
  });

  test("it has the requested isolation level and modes", async () => {
    const settings = query`SELECT current_setting('transaction_isolation') AS level, current_setting('transaction_deferrable') AS wait`;
    const options = { isolationLevel: "Serializable", readOnly: true, deferrable: true } as const;
    expect(await query.transaction([settings], options)).toEqual([[{ level: "serializable", wait: "on" }]]);
    expect(await query.transaction([settings])).toEqual([[{ level: "read committed", wait: "off" }]]);
    expect(await failure(query.transaction([spirit(1, "a")], { readOnly: true }))).toMatchObject({ code: "25006" });
  });

  test("it is rolled back when the client disconnects", async () => {
    const holder = new Client({ connectionString: postgres.url });
    onTestFinished(() => holder.end());
    await holder.connect();
    await holder.query("BEGIN");
    const abort = new AbortController();
    const given = query.transaction([spirit(1, "a"), spirit(2, "b")], { fetchOptions: { signal: abort.signal } });
    for (let turn = 0; turn < 5; turn++) await holder.query("SELECT 1");
    abort.abort();
    expect((await failure(given)).message).toContain("abort");
    for (let turn = 0; turn < 5; turn++) await holder.query("SELECT 1");
    await holder.query("COMMIT");

    expect(await count()).toEqual([{ n: 0 }]);
    expect(await holder.query("SELECT 1").then(({ rowCount }) => rowCount)).toBe(1);
  });
});
