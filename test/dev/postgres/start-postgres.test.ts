import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { describe, expect, onTestFinished, test } from "vitest";
import { connectOwnPostgres } from "../../../dev/postgres/start-postgres.ts";
import { isNeon, parseDatabaseUrl } from "../../../dev/postgres/database-url.ts";
import { resolveDatabase } from "../../../dev/postgres/resolve-database.ts";
import { claimInstance } from "../../../dev/data-dir/instance.ts";
import { readSettings } from "../../../dev/cli/settings.ts";
import { freePort } from "../../../dev/port.ts";
import { scratchFolder, seededFolder } from "../support/scratch.ts";
import { sql } from "../support/sql.ts";

describe("the database of the scripts", () => {
  test("it is DATABASE_URL if that is set", async () => {
    const { url } = await resolveDatabase({ DATABASE_URL: "postgres://me@example.com/db?sslmode=require" });
    expect(url).toBe("postgres://me@example.com/db?sslmode=verify-full");
    await expect(resolveDatabase({ DATABASE_URL: "mysql://me:secret@example.com/db" })).rejects.toThrow(/^((?!secret).)*$/);
  });

  test("it is that of the running instance of the data folder", async () => {
    const SPIRITFORGE_DATA = await seededFolder();
    const instance = claimInstance(SPIRITFORGE_DATA);
    instance.record("postgres://running@127.0.0.1/db");
    expect((await resolveDatabase({ SPIRITFORGE_DATA })).url).toBe("postgres://running@127.0.0.1/db");
    expect(() => claimInstance(SPIRITFORGE_DATA)).toThrow(`already running on ${SPIRITFORGE_DATA} (process ${process.pid})`);

    instance.release();
    const embedded = await resolveDatabase({ SPIRITFORGE_DATA });
    onTestFinished(embedded.close);
    expect(await sql(embedded.url, "SELECT 1 AS own")).toEqual([{ own: 1 }]);
  });

  test("it is not that of a killed instance", async () => {
    const SPIRITFORGE_DATA = await seededFolder();
    await writeFile(join(SPIRITFORGE_DATA, "instance.json"), JSON.stringify({ pid: 1, databaseUrl: "postgres://gone/db" }));
    const embedded = await resolveDatabase({ SPIRITFORGE_DATA });
    onTestFinished(embedded.close);
    expect(embedded.url).not.toContain("gone");
  });
});

describe("a developer's own PostgreSQL", () => {
  test("it must be reachable and have pgvector", async () => {
    const port = await freePort();
    await expect(connectOwnPostgres(new URL(`postgres://me:secret@127.0.0.1:${port}/db`))).rejects.toThrow(
      `PostgreSQL at 127.0.0.1:${port} cannot be used: connect ECONNREFUSED 127.0.0.1:${port}.`,
    );

    const db = await PGlite.create();
    const server = new PGLiteSocketServer({ db, port: 0 });
    await server.start();
    onTestFinished(() => server.stop());
    const url = new URL(`postgres://postgres@${server.getServerConn()}/postgres`);
    await expect(connectOwnPostgres(url)).rejects.toThrow(`PostgreSQL at ${url.host} has no pgvector`);
  });

  test("it is connected through the bridge", async () => {
    const SPIRITFORGE_DATA = await seededFolder();
    const database = await resolveDatabase({ SPIRITFORGE_DATA });
    onTestFinished(database.close);
    const backend = await connectOwnPostgres(new URL(database.url));
    onTestFinished(backend.close);
    expect(backend.databaseUrl).toBe(database.url);
    expect(backend.vars.NEON_PROXY).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(backend.vars.DATABASE_URL).toMatch(/^postgres:/);
  });
});

test.each([
  ["postgres://me@ep-a-1.eu-central-1.aws.neon.tech/db", true],
  ["postgres://me@neon.tech.example.com/db", false],
  ["postgres://me@localhost/db?host=x.neon.tech", false],
])("%s is Neon: %s", (url, neon) => {
  expect(isNeon(parseDatabaseUrl(url))).toBe(neon);
});

test.each(["0", "65536", "80a", "-1", "1e3", " 80"])("PORT=%j is refused", async (PORT) => {
  expect(() => readSettings({ PORT })).toThrow(`PORT must be a whole number from 1 to 65535, not "${PORT}".`);
});

test("every setting of dev has a default", async () => {
  const folder = await scratchFolder();
  expect(readSettings({ SPIRITFORGE_DATA: folder, PORT: "" })).toMatchObject({ port: 8787, folder, databaseUrl: undefined });
  expect(readSettings({}).folder).toMatch(/\/\.data$/);
});
