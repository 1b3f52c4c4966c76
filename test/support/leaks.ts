import { glob } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import type { TestDatabase } from "./api.ts";
import { canLeak, forms, leaksIn } from "./canary.ts";

/** Where a provider's key may be when the tests of a file are over. */

/**
 * Has what is queued, and what is given up, kept by a database for the search: each message is a row of one of these tables, which goes
 * when its job is done.
 */
export async function keepMessages({ sql }: Pick<TestDatabase, "sql">): Promise<void> {
  await sql(`
    create schema canary;
    create table canary.messages (message text not null);
    create function canary.keep() returns trigger language plpgsql as $$
      begin insert into canary.messages values (new::text); return null; end $$;
    create trigger keep_messages after insert or update on outbox for each row execute function canary.keep();
    create trigger keep_messages after insert or update on failed_jobs for each row execute function canary.keep()`);
}

/** The tables that hold the canary, of all in a database, with all their columns. */
export async function leaksInTables({ sql }: Pick<TestDatabase, "sql">): Promise<string[]> {
  if (!canLeak()) return [];
  const tables = await sql(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  if (tables.length === 0) return [];
  const arms = tables.map(
    ({ name }) => `select '${String(name)}' as name where exists (select from ${String(name)} t where t::text like any ($1))`,
  );
  const leaks = await sql(arms.join(" union all "), [forms.map((form) => `%${form}%`)]);
  return leaks.map(({ name }) => `table ${String(name)}`);
}

type Stores = Pick<Cloudflare.Env, "CACHE" | "FILES">;

/** The KV keys and file names that contain the canary in their value, name or metadata. */
export async function leaksInStores(envOf: () => Promise<Stores>): Promise<string[]> {
  if (!canLeak()) return [];
  const { CACHE, FILES } = await envOf();
  const held = await Promise.all([
    ...(
      await everyPage(
        (cursor) => CACHE.list({ cursor }),
        (page) => (page.list_complete ? null : page.cursor),
      )
    ).flatMap(({ keys }) => keys.map(async (key) => [`KV ${key.name}`, key.metadata, await CACHE.get(key.name)])),
    ...(
      await everyPage(
        (cursor) => FILES.list({ ...(cursor === null ? {} : { cursor }), include: ["httpMetadata", "customMetadata"] }),
        (page) => (page.truncated ? page.cursor : null),
      )
    ).flatMap(({ objects }) =>
      objects.map(async ({ key, httpMetadata, customMetadata }) => [
        `file ${key}`,
        { httpMetadata, customMetadata },
        await (await FILES.get(key))?.text(),
      ]),
    ),
  ]);
  return held
    .filter((texts) => leaksIn(texts.map((text) => JSON.stringify(text) ?? "")).length > 0)
    .map(([name]) => String(name));
}

/** All pages of a list. @param after where the next page begins; null where there is none */
async function everyPage<Page>(
  list: (cursor: string | null) => Promise<Page>,
  after: (page: Page) => string | null,
): Promise<Page[]> {
  const pages: Page[] = [];
  let cursor: string | null = null;
  do {
    const page: Page = await list(cursor);
    pages.push(page);
    cursor = after(page);
  } while (cursor !== null);
  return pages;
}

/**
 * The Durable Objects whose storage holds the canary: their SQLite files, which have the key-value pairs too that an object's own SQL is
 * not shown.
 * @param folder where harnesses keep what their Workers store
 */
export async function leaksInObjects(folder: string): Promise<string[]> {
  if (!canLeak()) return [];
  const leaks: string[] = [];
  for await (const path of glob("miniflare-*/do/*/*.sqlite", { cwd: folder })) {
    if (holdsCanary(join(folder, path))) leaks.push(`object ${basename(dirname(path))}/${basename(path)}`);
  }
  return leaks;
}

function holdsCanary(path: string): boolean {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    const tables = database.prepare("select name from sqlite_schema where type = 'table'").all();
    return tables.some(({ name }) => {
      const rows = database.prepare(`select * from "${String(name)}"`);
      rows.setReadBigInts(true);
      return rows.all().some((row) => leaksIn(Object.values(row).map(textOf)).length > 0);
    });
  } finally {
    database.close();
  }
}

/** What a column shows: of bytes, the letters among them, also where each takes two. */
function textOf(value: SQLOutputValue): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1").replaceAll("\0", "") : String(value);
}
