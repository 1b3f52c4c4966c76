import type { TestDatabase } from "./api.ts";

/** In every provider's key that a test uses. No key is ever written in the clear, so what holds this has leaked one. */
const canary = "sk-canary-5c1e97d3";

/** Whether this file's tests have a key that can leak: where they have none, nothing is searched. */
let hasKeys = false;

/** A provider's key for a test. */
export function providerKey(name: string): string {
  hasKeys = true;
  return `${canary}-${name}`;
}

/** The canary as a text or a column of bytes may show it: base64 has one form for each place that it may begin at. */
const forms = [canary, Buffer.from(canary).toString("hex"), ...[0, 1, 2].map(base64At)];

/** What base64 shows of the canary alone, behind so many other bytes. */
function base64At(before: number): string {
  const encoded = Buffer.from("x".repeat(before) + canary).toString("base64url");
  return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + canary.length) * 8) / 6));
}

export const leaksIn = (texts: readonly string[]): string[] =>
  texts.filter((text) => forms.some((form) => text.includes(form)));

/** The tables that hold the canary, of all in a database, with all their columns. */
export async function leaksInTables({ sql }: Pick<TestDatabase, "sql">): Promise<string[]> {
  if (!hasKeys) return [];
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

/** The keys of KV, and the names of files, whose values hold the canary. */
export async function leaksInStores(envOf: () => Promise<Pick<Cloudflare.Env, "CACHE" | "FILES">>): Promise<string[]> {
  if (!hasKeys) return [];
  const { CACHE, FILES } = await envOf();
  const [{ keys }, { objects }] = await Promise.all([CACHE.list(), FILES.list()]);
  const held = await Promise.all([
    ...keys.map(async ({ name }) => [`KV ${name}`, await CACHE.get(name)] as const),
    ...objects.map(async ({ key }) => [`file ${key}`, await (await FILES.get(key))?.text()] as const),
  ]);
  return held.filter(([name, value]) => leaksIn([name, value ?? ""]).length > 0).map(([name]) => name);
}

/** @throws where a key was found somewhere; says where, never what */
export function refuseLeaks(places: readonly string[]): void {
  if (places.length > 0) throw new Error(`A provider's key has leaked: it is in ${places.join(", ")}.`);
}
