import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PGlite } from "@electric-sql/pglite";
import { Client } from "pg";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openEmbeddedPostgres } from "../../../dev/postgres/embedded-postgres.ts";
import { scratchFolder, seededFolder } from "../support/scratch.ts";
import { sql } from "../support/sql.ts";
import { execute, openWire, parse, PARSE_COMPLETE, simpleQuery } from "../support/wire.ts";

async function open(dataDir: string) {
  const postgres = await openEmbeddedPostgres({ dataDir });
  onTestFinished(postgres.close);
  return postgres;
}

describe("the embedded Postgres", () => {
  test("it has pgvector and keeps the data of its folder", async () => {
    const dataDir = join(await seededFolder(), "postgres");
    const first = await openEmbeddedPostgres({ dataDir });
    expect(first.isNew).toBe(false);
    await sql(first.url, "CREATE TABLE kept AS SELECT '[1,2]'::vector AS v");
    await first.close();

    const second = await open(dataDir);
    expect(await sql(second.url, "SELECT v <-> '[1,3]' AS distance FROM kept")).toEqual([{ distance: 1 }]);
  });

  test("it starts over if an earlier start was killed before it completed", async () => {
    const dataDir = join(await scratchFolder(), "postgres");
    await mkdir(dataDir);
    await writeFile(join(dataDir, "initdb.unfinished"), "");
    await writeFile(join(dataDir, "PG_VERSION"), "18");

    const postgres = await openEmbeddedPostgres({ dataDir });
    expect(postgres.isNew).toBe(true);
    await postgres.close();
    expect((await open(dataDir)).isNew).toBe(false);
  });

  test("it refuses a folder in use", async () => {
    const dataDir = join(await seededFolder(), "postgres");
    await open(dataDir);
    await expect(openEmbeddedPostgres({ dataDir })).rejects.toThrow(`The data folder ${dataDir} is in use by another process`);
  });

  test("it refuses a file, or a folder with other contents, with a reason", async () => {
    const folder = await seededFolder();
    const file = join(folder, "file");
    await writeFile(file, "");
    await expect(openEmbeddedPostgres({ dataDir: file })).rejects.toThrow(`The data folder ${file} cannot be used (EEXIST`);

    const dataDir = join(folder, "postgres");
    await rm(join(dataDir, "global/pg_control"));
    await expect(openEmbeddedPostgres({ dataDir })).rejects.toThrow("does not start on the data folder");
    await expect(openEmbeddedPostgres({ dataDir })).rejects.toThrow("does not start on the data folder");
  });
});

describe("connections to the embedded Postgres", () => {
  test("they are closed when the engine fails", async () => {
    const { url } = await open(join(await seededFolder(), "postgres"));
    const client = new Client({ connectionString: url });
    client.on("error", () => {});
    await client.connect();
    const engine = vi.spyOn(PGlite.prototype, "execProtocolRawStream").mockRejectedValueOnce(new Error("out of memory"));
    onTestFinished(() => engine.mockRestore());
    await expect(client.query("SELECT 1")).rejects.toThrow("Connection terminated");
    await expect(sql(url, "SELECT 1")).rejects.toThrow("ECONNREFUSED");
  });

  test("they do not mix up their statements", async () => {
    const { url } = await open(join(await seededFolder(), "postgres"));
    const [slow, quick] = [await openWire(url), await openWire(url)];
    slow.say(parse("SELECT 'of the slow one'"));
    await slow.hears(PARSE_COMPLETE);
    quick.say(parse("SELECT 'of the quick one'"));
    await Promise.race([quick.hears(PARSE_COMPLETE), sleep(100)]);
    slow.say(execute);
    quick.say(execute);
    expect(await slow.hears("of the slow one")).toBe(true);
    expect(await quick.hears("of the quick one")).toBe(true);
  });

  test("they get their turn when another disconnects in the middle", async () => {
    const { url } = await open(join(await seededFolder(), "postgres"));
    const parsing = await openWire(url);
    parsing.say(simpleQuery("BEGIN"));
    await parsing.hears("BEGIN");
    parsing.say(parse("SELECT wrong"));
    await parsing.hears("does not exist");
    parsing.hangUp();
    expect(await sql(url, "SELECT $1::int AS answer", [42])).toEqual([{ answer: 42 }]);

    const writing = new Client({ connectionString: url });
    await writing.connect();
    await writing.query("BEGIN");
    await writing.query("CREATE TABLE half_done ()");
    const waiting = sql(url, "SELECT to_regclass('half_done') AS found");
    await writing.end();
    expect(await waiting).toEqual([{ found: null }]);
  });
});
