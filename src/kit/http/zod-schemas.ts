import * as z from "zod";

/** Schemas that all features share. */

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Any JSON value, as a component of the OpenAPI document that refers to itself. */
export const JsonValue: z.ZodType<Json> = z
  .lazy(() => z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(JsonValue), z.record(z.string(), JsonValue)]))
  .meta({ id: "JsonValue" });

/** A positive `integer` of Postgres: the range of IDs. */
export const Id = z.int().min(1).max(2_147_483_647);

/** A whole number in a path or a query. */
export const IntegerParam = z
  .string()
  .regex(/^\d{1,10}$/, "must be a whole number")
  .transform(Number);

export const IdParamValue = IntegerParam.pipe(Id);

export const IdParam = z.object({ id: IdParamValue.meta({ description: "ID of the resource", example: 1 }) });

/** A timestamp of a row, in a reply: ISO 8601 with time zone. */
export const Timestamp = z.date().meta({ override: { type: "string", format: "date-time" } });

/** A timestamp from a client. It must be in the future. */
export const FutureMoment = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((moment) => moment.getTime() > Date.now(), "must be in the future");

export const TotalCount = z.int().min(0).meta({ description: "Total count" });

/** The first field of every successful reply. */
export const ok = { success: z.literal(true) };

/** The query of a list: one page, highest ID first. */
export const PageQuery = {
  limit: IntegerParam.pipe(z.int().min(1).max(100)).default(20).meta({ description: "Maximum number of items" }),
  cursor: IdParamValue.optional().meta({ description: "`next_cursor` of the previous page" }),
};

export const NextCursor = z.string().optional().meta({ description: "Absent on the last page" });

/** The output of `PageQuery`. */
export type PageQueryOutput = { limit: number; cursor?: number | undefined };

/** Cuts rows to one page, and adds the cursor of the next page if there is one. Expects one row more than the page has. */
export function paginate<T extends { id: number }>(rows: T[], limit: number): { items: T[]; next_cursor?: string } {
  const items = rows.slice(0, limit);
  return rows.length > limit ? { items, next_cursor: String(items.at(-1)!.id) } : { items };
}
