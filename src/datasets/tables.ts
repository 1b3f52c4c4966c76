import { sql } from "drizzle-orm";
import { boolean, check, index, integer, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { users } from "../auth/tables.ts";
import { isOneOf, serialId, written } from "../kit/columns.ts";

export const processingStatuses = ["pending", "processing", "ready", "failed"] as const;

/** A part of a dataset's rows: where it is in R2, and how many it has. */
export type RowsPart = { key: string; rows: number };

export const datasets = pgTable(
  "datasets",
  {
    id: serialId(),
    user_id: integer()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text().notNull(),
    is_public: boolean().notNull().default(false),
    processing_status: text({ enum: processingStatuses }).notNull().default("pending"),
    /** Its rows, as JSON lines, in order; what refining drops is marked in them. */
    parts: jsonb().$type<readonly RowsPart[]>().notNull().default([]),
    ...written,
  },
  (t) => [
    index("datasets_of_user").on(t.user_id, t.id),
    check("dataset_status_known", isOneOf(t.processing_status, processingStatuses)),
    check("dataset_named", sql`${t.name} <> ''`),
  ],
);

/** By what datasets are read at the moment: until it lets go of them, they cannot be deleted. */
export const datasetUses = pgTable(
  "dataset_uses",
  {
    dataset_id: integer()
      .notNull()
      .references(() => datasets.id, { onDelete: "restrict" }),
    used_by: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.dataset_id, t.used_by] }), index("dataset_uses_by_user").on(t.used_by)],
);
