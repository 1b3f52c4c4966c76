import { sql, type SQL, type SQLWrapper } from "drizzle-orm";
import { customType, integer, timestamp } from "drizzle-orm/pg-core";

/** A generated primary key: 1, 2, 3, … */
export const identityId = () => integer().primaryKey().generatedByDefaultAsIdentity();

/** A timestamp, as a Date. */
export const timestamptz = () => timestamp({ withTimezone: true, mode: "date" });

/** The smallest positive normal number of single precision (IEEE 754). */
const minFloat4 = 2 ** -126;

/** A single-precision number. Others are rounded to the nearest one: Postgres refuses those that are too small. */
export const float4 = customType<{ data: number; driverData: number | string }>({
  dataType: () => "real",
  toDriver: (value) => (Math.abs(value) < minFloat4 ? 0 : Math.fround(value)),
  fromDriver: Number,
});

/** When a row was created and last updated. */
export const createdUpdatedAt = {
  created_at: timestamptz().notNull().defaultNow(),
  updated_at: timestamptz().notNull().defaultNow(),
};

/** When a row was created and last updated, as ISO 8601 strings. */
export const timestamps = {
  created_at: timestamp({ withTimezone: true, mode: "string" }).notNull().defaultNow(),
  updated_at: timestamp({ withTimezone: true, mode: "string" }).notNull().defaultNow(),
};

/** `column IN ('a', 'b')` for a CHECK, with the values written out, as DDL takes no parameters. */
export function inList(column: SQLWrapper, values: readonly string[]): SQL {
  return sql`${column} in (${sql.raw(values.map((value) => `'${value.replaceAll("'", "''")}'`).join(", "))})`;
}

/** `low <= column <= high` for a CHECK. */
export function isBetween(column: SQLWrapper, low: number, high: number): SQL {
  return sql`${column} between ${sql.raw(String(low))} and ${sql.raw(String(high))}`;
}
