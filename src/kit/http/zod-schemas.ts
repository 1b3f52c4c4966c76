import * as z from "zod";

/** Shapes that every feature's schemas are made of. */

/** A number that Postgres has for an `integer` key. */
export const Id = z.int().min(1).max(2_147_483_647);

/** A whole number as it stands in a path or a query. */
export const IntegerParam = z
  .string()
  .regex(/^\d{1,10}$/, "must be a whole number")
  .transform(Number);

export const IdParamValue = IntegerParam.pipe(Id);

export const IdParam = z.object({ id: IdParamValue.meta({ description: "Number of the resource", example: 1 }) });

/** A moment of a row, in a reply: ISO 8601 with zone. */
export const Timestamp = z.date().meta({ override: { type: "string", format: "date-time" } });

/** A moment that a client names, which must be yet to come. */
export const FutureMoment = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((moment) => moment.getTime() > Date.now(), "is in the past");

export const TotalCount = z.int().min(0).meta({ description: "How many there are" });

/** What every reply that is no failure says first. */
export const ok = { success: z.literal(true) };

/** One page of a list that runs from the newest id down. */
export const PageQuery = {
  limit: IntegerParam.pipe(z.int().min(1).max(100)).default(20).meta({ description: "How many at most" }),
  cursor: IdParamValue.optional().meta({ description: "`next_cursor` of the page before" }),
};

export const NextCursor = z.string().optional().meta({ description: "Absent on the last page" });

/** What `PageQuery` asks for. */
export type PageQueryOutput = { limit: number; cursor?: number | undefined };

/** One page of rows of which one more was read than the page takes, and the cursor of the next if there is one. */
export function paginate<T extends { id: number }>(rows: T[], limit: number): { items: T[]; next_cursor?: string } {
  const items = rows.slice(0, limit);
  return rows.length > limit ? { items, next_cursor: String(items.at(-1)!.id) } : { items };
}
