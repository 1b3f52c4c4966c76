import { and, asc, eq, getTableName, notInArray, sql, type SQL } from "drizzle-orm";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import { getTableConfig, type PgColumn, type PgTable } from "drizzle-orm/pg-core";
import { UserError } from "../dev/user-error.ts";

export type Transaction = Parameters<Parameters<NodePgDatabase["transaction"]>[0]>[0];

/** The ids of the rows that a load touched, by what it did to them. */
export type Tally = { inserted: Set<number>; changed: Set<number>; retired: Set<number> };

/** A table of the catalog: rows are known by `key`, keep their id for ever, and are retired rather than deleted. */
export type Registry = PgTable & Record<"id" | "is_active" | "updated_at", PgColumn>;

export type Row = Record<string, string | number | boolean | string[]> & { id: number };

/**
 * Brings a registry up to `rows`: inserts what is new, updates what differs, retires what is gone.
 * @throws UserError where a row has another id in the database than in the JSON
 */
export async function upsertRows(tx: Transaction, table: Registry, key: PgColumn, rows: Row[]): Promise<Tally> {
  const columns = Object.keys(rows[0]!);
  const existing = await tx.select({ id: sql<number>`${table.id}`, key: sql<string>`${key}` }).from(table);
  const idByKey = new Map(existing.map((row) => [row.key, row.id]));
  for (const row of rows) {
    const name = String(row[key.name]);
    const id = idByKey.get(name);
    if (id !== undefined && id !== row.id) {
      throw new UserError(`${getTableName(table)}: "${name}" has id ${id}, and ids never change; the JSON says ${row.id}`);
    }
  }
  const written = await tx
    .insert(table)
    .values(rows)
    .onConflictDoUpdate({
      target: key,
      set: { ...Object.fromEntries(columns.map((name) => [name, excluded(name)])), is_active: true, updated_at: sql`now()` },
      setWhere: sql`(${table.is_active}, ${list(columns.map((name) => sql`${table}.${sql.identifier(name)}`))})
        is distinct from (true, ${list(columns.map(excluded))})`,
    })
    .returning({ id: table.id });
  const gone = await tx
    .update(table)
    .set({ is_active: false, updated_at: sql`now()` })
    .where(
      and(
        eq(table.is_active, true),
        notInArray(
          key,
          rows.map((row) => row[key.name]),
        ),
      ),
    )
    .returning({ id: table.id });
  const known = new Set(existing.map(({ id }) => id));
  const ids = written.map(({ id }) => id as number);
  return {
    inserted: new Set(ids.filter((id) => !known.has(id))),
    changed: new Set(ids.filter((id) => known.has(id))),
    retired: new Set(gone.map(({ id }) => id as number)),
  };
}

/** Makes each owner hold exactly `items`, in their order, and notes in `tally` which owners changed. */
export async function relink(tx: Transaction, table: PgTable, items: Map<number, number[]>, tally: Tally): Promise<void> {
  const [owner, item, position] = getTableConfig(table).columns as [PgColumn, PgColumn, PgColumn];
  const existing = await tx.select({ owner, item }).from(table).orderBy(asc(owner), asc(position));
  const held = Map.groupBy(existing, (link) => link.owner as number);
  for (const [id, wanted] of items) {
    const now = (held.get(id) ?? []).map((link) => link.item);
    if (now.length === wanted.length && wanted.every((itemId, index) => itemId === now[index])) continue;
    await tx.delete(table).where(eq(owner, id));
    if (wanted.length > 0) {
      const links = wanted.map((itemId, index) => ({ [owner.name]: id, [item.name]: itemId, [position.name]: index + 1 }));
      await tx.insert(table).values(links);
    }
    if (!tally.inserted.has(id)) tally.changed.add(id);
  }
}

function excluded(column: string): SQL {
  return sql`excluded.${sql.identifier(column)}`;
}

function list(parts: SQL[]): SQL {
  return sql.join(parts, sql`, `);
}
