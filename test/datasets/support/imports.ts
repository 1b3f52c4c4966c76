import { listRows } from "../../../src/datasets/rows/service.ts";
import type { ServiceHarness } from "../../support/service-harness.ts";

/** The row of a dataset. */
export const datasetRow = (harness: ServiceHarness, id: number): Promise<Record<string, unknown>> =>
  harness.one("select * from datasets where id = $1", [id]);

/** All rows that a dataset has, dropped ones included, page by page. */
export async function rowsOf({ ctx, userId }: ServiceHarness, id: number) {
  const rows = [];
  let cursor: number | undefined;
  do {
    const page = await listRows(ctx, userId, id, { limit: 100, cursor, kept: false });
    rows.push(...page.items);
    cursor = page.next_cursor === undefined ? undefined : Number(page.next_cursor);
  } while (cursor !== undefined);
  return rows;
}
