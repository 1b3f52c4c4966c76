import { Buffer } from "node:buffer";
import { and, eq, ilike, isNotNull, isNull, or, sql, type SQL } from "drizzle-orm";
import { catalogOf } from "../catalog/service.ts";
import type { Catalog } from "../catalog/snapshot.ts";
import type { Ctx } from "../context.ts";
import { commit } from "../kit/db/commit.ts";
import { containsPattern } from "../kit/db/search-text.ts";
import { validationError } from "../kit/errors.ts";
import { parseJson } from "../kit/json.ts";
import { invalidTextPaths } from "../kit/db/text.ts";
import { classNamed } from "./spirits/service.ts";
import { minionColumns, type MinionRow } from "./queries.ts";
import { sortings, type MinionsQuery, type Sorting } from "./schemas.ts";
import { minionExperience } from "./progression/sql.ts";
import { minions } from "./tables.ts";

/** The sort value of each order. A cursor holds it as text and `type` casts it back; IDs break ties. */
const orders: Record<Sorting, { by: SQL; type: string; descends: boolean }> = {
  newest: { by: sql`${minions.id}`, type: "int", descends: true },
  name: { by: sql`lower(${minions.display_name})`, type: "text", descends: false },
  experience: { by: minionExperience, type: "int", descends: true },
  updated: { by: sql`${minions.updated_at}`, type: "timestamptz", descends: true },
};

/** The end of a page: the order, and the sort value and ID of its last item. */
type Cursor = readonly [sort: Sorting, value: string, id: number];

/** A page of a user's minions and their total. One round trip, whose time depends on the page size. @throws validation_failed */
export async function listMinions(ctx: Ctx, userId: number, query: MinionsQuery) {
  const catalog = await catalogOf(ctx);
  const order = orders[query.sort];
  const matching = and(eq(minions.user_id, userId), ...conditions(catalog, query))!;
  const direction = sql.raw(order.descends ? "desc" : "asc");
  const [rows, [count]] = await commit(ctx, [
    ctx.db
      .select({ ...minionColumns(userId), sort_value: sql<string>`(${order.by})::text` })
      .from(minions)
      .where(and(matching, query.cursor === undefined ? undefined : after(query.sort, query.cursor)))
      .orderBy(sql`${order.by} ${direction}, ${minions.id} ${direction}`)
      .limit(query.limit + 1),
    ctx.db
      .select({ total: sql<number>`count(*)::int` })
      .from(minions)
      .where(matching),
  ]);
  const page = rows.slice(0, query.limit).map(({ sort_value: _sortValue, ...row }): MinionRow => row);
  const last = rows.length > query.limit ? rows[query.limit - 1] : undefined;
  const next = last === undefined ? {} : { next_cursor: encode([query.sort, last.sort_value, last.id]) };
  return { catalog, rows: page, total: count!.total, ...next };
}

function conditions(
  catalog: Catalog,
  { q, model, class_name, favorite, visibility, deleted }: MinionsQuery,
): (SQL | undefined)[] {
  const words = q === undefined ? undefined : containsPattern(q);
  return [
    deleted ? isNotNull(minions.deleted_at) : isNull(minions.deleted_at),
    words === undefined
      ? undefined
      : or(ilike(minions.name, words), ilike(minions.display_name, words), ilike(minions.description, words)),
    model === undefined ? undefined : eq(minions.model, model),
    class_name === undefined ? undefined : eq(minions.class_id, classNamed(catalog, class_name, "query").id),
    favorite === undefined ? undefined : eq(minions.is_favorite, favorite),
    visibility === undefined ? undefined : eq(minions.visibility, visibility),
  ];
}

function after(sort: Sorting, text: string): SQL {
  const [, value, id] = decode(sort, text);
  const { by, type, descends } = orders[sort];
  return sql`(${by}, ${minions.id}) ${sql.raw(descends ? "<" : ">")} (${value}::${sql.raw(type)}, ${id}::int)`;
}

const encode = (cursor: Cursor): string => Buffer.from(JSON.stringify(cursor)).toString("base64url");

/** Whether a sort value is valid text of its type. */
const reads: Record<string, (value: string) => boolean> = {
  int: (value) => /^\d{1,10}$/.test(value) && Number(value) < 2 ** 31,
  text: (value) => invalidTextPaths(value).length === 0,
  timestamptz: isTimestamptz,
};

/** Whether Postgres reads a value as a moment. It has no year 0 and no February 30, which `Date.parse` reads. */
function isTimestamptz(value: string): boolean {
  const [, day, time] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d{1,6})?\+00$/.exec(value) ?? [];
  const moment = new Date(`${day}T${time}Z`);
  if (Number.isNaN(moment.getTime()) || moment.getUTCFullYear() < 1) return false;
  return moment.toISOString().startsWith(`${day}T${time}`);
}

/** @throws validation_failed for an invalid cursor, or a cursor of another list */
function decode(sort: Sorting, text: string): Cursor {
  try {
    const cursor = parseJson(Buffer.from(text, "base64url").toString()) as Cursor;
    const [cursorSort, value, id] = cursor;
    const isValid =
      sortings.includes(cursorSort) && typeof value === "string" && Number.isInteger(id) && id > 0 && id < 2 ** 31;
    if (isValid && cursorSort === sort && reads[orders[sort].type]!(value)) return cursor;
  } catch {
    // Falls through to the error below.
  }
  throw validationError([
    { path: "cursor", in: "query", message: "is not a cursor of this list. Start again without a cursor" },
  ]);
}
