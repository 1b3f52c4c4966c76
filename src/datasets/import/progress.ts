import { and, eq, inArray, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { datasets, type HfImport, type StoredFile } from "../tables.ts";

/** The progress of an import in its dataset row. It never changes a dataset that was deleted or whose import is over. */

/** The row of a dataset during its import. */
export type Imported = typeof datasets.$inferSelect;

/** The condition of datasets whose import is not over. */
export const waiting = inArray(datasets.processing_status, ["pending", "processing"]);

/** The condition of one dataset whose import is not over. */
export const pendingDataset = (id: number) => and(eq(datasets.id, id), waiting);

/** Whether a dataset exists and its import is not over. */
export const isPending = (id: number) => sql`exists (select from ${datasets} where ${pendingDataset(id)})`;

/** A dataset whose import is not over. */
export async function readPendingDataset({ db }: Ctx, id: number): Promise<Imported | undefined> {
  const [dataset] = await db.select().from(datasets).where(pendingDataset(id));
  return dataset;
}

/** The fetched state of a Hugging Face dataset. */
type Fetched = { hub: HfImport; file?: StoredFile; about?: { description: string; license: string } };

/**
 * Saves fetched data, unless another run changed the state since it was read. The owner's own description stays.
 * @returns the new state, if it was saved
 */
export async function saveFetchedPage(
  { db }: Ctx,
  { id, hub: previous }: { id: number; hub: HfImport },
  { hub: next, file, about }: Fetched,
): Promise<HfImport | undefined> {
  const { trouble: _, ...hub } = next;
  const added = file && {
    files: sql`${datasets.files} || ${JSON.stringify([file])}::jsonb`,
    file_size: sql`${datasets.file_size} + ${file.size}`,
  };
  const described = about && {
    description: sql`coalesce(nullif(${datasets.description}, ''), ${about.description})`,
    license: sql`coalesce(${datasets.license}, nullif(${about.license}, ''))`,
  };
  const rows = await db
    .update(datasets)
    .set({ processing_status: "processing", hub, ...added, ...described })
    .where(and(pendingDataset(id), sql`${datasets.hub} = ${JSON.stringify(previous)}::jsonb`))
    .returning({ id: datasets.id });
  return rows.length > 0 ? hub : undefined;
}
