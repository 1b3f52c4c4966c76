import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate as migrateWithDrizzle } from "drizzle-orm/node-postgres/migrator";
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { EmbeddedPostgres } from "../../dev/postgres/embedded-postgres.ts";
import { migrate } from "../../drizzle/migrate.ts";
import { openSeededPostgres, scratchFolder } from "../dev/support/scratch.ts";
import { sql } from "../dev/support/sql.ts";

let postgres: EmbeddedPostgres;

beforeAll(async () => {
  postgres = await openSeededPostgres();
});

beforeEach(() => sql(postgres.url, "DROP SCHEMA IF EXISTS drizzle CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public"));

afterAll(() => postgres.close());

/** A folder as drizzle-kit writes it: the SQL by tag, in order. */
async function migrations(files: Record<string, string>): Promise<string> {
  const folder = await scratchFolder();
  await mkdir(join(folder, "meta"));
  const entries = Object.keys(files).map((tag, idx) => ({ idx, version: "7", when: 1_000 + idx, tag, breakpoints: true }));
  await writeFile(join(folder, "meta/_journal.json"), JSON.stringify({ version: "7", dialect: "postgresql", entries }));
  for (const [tag, text] of Object.entries(files)) await writeFile(join(folder, `${tag}.sql`), text);
  return folder;
}

const two = {
  "0000_first": "CREATE TABLE first ();\n--> statement-breakpoint\nALTER TABLE first ADD COLUMN id int;",
  "0001_second": "CREATE TABLE second ();",
};
const record = () => sql(postgres.url, "SELECT created_at FROM drizzle.__drizzle_migrations ORDER BY id");

describe("migrate", () => {
  test("it applies missing migrations, and a second run changes nothing", async () => {
    const folder = await migrations(two);
    const lines: string[] = [];
    expect(await migrate(postgres.url, { folder, log: (line) => lines.push(line) })).toEqual(["0000_first", "0001_second"]);
    expect(lines).toEqual(["applied 0000_first", "applied 0001_second"]);
    expect(await migrate(postgres.url, { folder })).toEqual([]);
    expect(await sql(postgres.url, "SELECT id FROM first, second")).toEqual([]);
  });

  test("it records migrations like drizzle", async () => {
    const folder = await migrations(two);
    const client = new Client({ connectionString: postgres.url });
    onTestFinished(() => client.end());
    await client.connect();

    await migrateWithDrizzle(drizzle(client), { migrationsFolder: folder });
    const theirs = await sql(postgres.url, "SELECT * FROM drizzle.__drizzle_migrations");
    expect(await migrate(postgres.url, { folder })).toEqual([]);

    await sql(postgres.url, "DROP SCHEMA drizzle CASCADE; DROP TABLE first, second");
    await migrate(postgres.url, { folder });
    await migrateWithDrizzle(drizzle(client), { migrationsFolder: folder });
    expect(await sql(postgres.url, "SELECT * FROM drizzle.__drizzle_migrations")).toEqual(theirs);
  });

  test("several runs can be concurrent", async () => {
    const folder = await migrations(two);
    const applied = await Promise.all([1, 2, 3].map(() => migrate(postgres.url, { folder })));
    expect(applied.flat().toSorted()).toEqual(["0000_first", "0001_second"]);
    expect(await record()).toEqual([{ created_at: "1000" }, { created_at: "1001" }]);
  });

  test("a failing migration is rolled back alone and named", async () => {
    const folder = await migrations({
      ...two,
      "0002_third": "CREATE TABLE third ();\n--> statement-breakpoint\nSELECT 1 / 0;",
      "0003_fourth": "CREATE TABLE fourth ();",
    });
    await expect(migrate(postgres.url, { folder })).rejects.toThrow("Migration 0002_third failed: division by zero");
    expect(await record()).toHaveLength(2);
    const [found] = await sql(postgres.url, "SELECT to_regclass('second') AS second, to_regclass('third') AS third");
    expect(found).toEqual({ second: "second", third: null });
  });

  test("it skips an excluded migration until it is included", async () => {
    const folder = await migrations(two);
    expect(await migrate(postgres.url, { folder, skip: (tag) => tag.endsWith("first") })).toEqual(["0001_second"]);
    expect(await migrate(postgres.url, { folder })).toEqual(["0000_first"]);
  });
});
