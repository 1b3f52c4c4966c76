import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readMigrationFiles, type MigrationMeta } from "drizzle-orm/migrator";
import type { Client } from "pg";
import { connect } from "../dev/postgres/connect.ts";
import { resolveDatabase } from "../dev/postgres/resolve-database.ts";
import { UserError, reasonOf, runCommand } from "../dev/user-error.ts";

export interface MigrateOptions {
  /** Leaves out the migrations it answers true for, unrecorded, so that a later run may apply them. */
  skip?: (tag: string) => boolean;
  log?: (line: string) => void;
  /** Where drizzle-kit writes; `drizzle/migrations` if left out. */
  folder?: string;
}

interface Migration extends MigrationMeta {
  /** Its file's name, without `.sql`. */
  tag: string;
}

/** Any number, as long as nothing else locks it. */
const LOCK = 7_311_942_806;

/**
 * Applies the migrations that the database lacks, in order, each in a transaction of its own. Of several runners at once, one
 * applies and the others wait. The record is drizzle's own table, `drizzle.__drizzle_migrations`.
 *
 * @returns the tags of the migrations applied
 * @throws UserError that names the migration and the reason; those before it stay applied
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const { skip = () => false, log = () => {}, folder = join(import.meta.dirname, "migrations") } = options;
  const migrations = readMigrations(folder).filter(({ tag }) => !skip(tag));
  const applied: string[] = [];
  const client = await connect(databaseUrl);
  try {
    await exclusively(client, () => createRecord(client));
    for (const migration of migrations) {
      if (!(await applyOnce(client, migration))) continue;
      applied.push(migration.tag);
      log(`applied ${migration.tag}`);
    }
    return applied;
  } finally {
    await client.end();
  }
}

function readMigrations(folder: string): Migration[] {
  const journal: { entries: { tag: string }[] } = JSON.parse(readFileSync(`${folder}/meta/_journal.json`, "utf8"));
  return readMigrationFiles({ migrationsFolder: folder }).map((migration, index) => ({
    ...migration,
    tag: journal.entries[index]!.tag,
  }));
}

async function createRecord(client: Client): Promise<void> {
  await client.query("CREATE SCHEMA IF NOT EXISTS drizzle");
  await client.query(
    "CREATE TABLE IF NOT EXISTS drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)",
  );
}

/** @returns false if the migration is in the record already */
async function applyOnce(client: Client, { tag, sql, hash, folderMillis }: Migration): Promise<boolean> {
  try {
    return await exclusively(client, async () => {
      const found = await client.query("SELECT FROM drizzle.__drizzle_migrations WHERE created_at = $1", [folderMillis]);
      if (found.rowCount !== 0) return false;
      for (const statement of sql) await client.query(statement);
      await client.query("INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ($1, $2)", [hash, folderMillis]);
      return true;
    });
  } catch (error) {
    throw new UserError(`Migration ${tag} failed: ${reasonOf(error)}`, { cause: error });
  }
}

/** Runs a transaction under the lock. It is the transaction's lock, so it also holds behind a pooler of transactions. */
async function exclusively<T>(client: Client, run: () => Promise<T>): Promise<T> {
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock($1)", [LOCK]);
    const result = await run();
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
}

if (import.meta.main) {
  await runCommand(async () => {
    const database = await resolveDatabase();
    try {
      const applied = await migrate(database.url, { log: console.log });
      if (applied.length === 0) console.log("The database is up to date.");
    } finally {
      await database.close();
    }
  });
}
