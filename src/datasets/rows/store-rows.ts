import type { Ctx } from "../../context.ts";
import { withR2Errors } from "../../kit/storage/r2.ts";
import type { CleanRow } from "../cleaning/clean-rows.ts";
import { rowsKey } from "../storage.ts";
import type { RowsPart } from "../tables.ts";
import type { Reporter } from "./report.ts";

/** Limits of a part of rows, which is read into memory as a whole. */
const partRows = 500;
const partLength = 1_000_000;

export type StoreOptions = {
  /** The R2 prefix of the parts. */
  folder: string;
  reporter: Reporter;
  /** The number of rows that an earlier run stored. They are equal, so their parts are not stored again. */
  storedRows?: number;
  /** Runs after a part was stored, with the number of rows so far. */
  onStored?(rows: number): Promise<void>;
};

/** Stores the rows of a dataset in parts, and reports them. @throws files_unavailable */
export async function storeRows(
  { env }: Ctx,
  cleaned: AsyncIterable<CleanRow>,
  { folder, reporter, storedRows = 0, onStored }: StoreOptions,
): Promise<RowsPart[]> {
  const parts: RowsPart[] = [];
  let lines: string[] = [];
  let length = 0;
  const store = async () => {
    const part = { key: rowsKey(folder, parts.length), rows: lines.length };
    parts.push(part);
    if (reporter.rows > storedRows) {
      await withR2Errors(env.FILES.put(part.key, lines.join("\n")));
      await onStored?.(reporter.rows);
    }
    [lines, length] = [[], 0];
  };
  for await (const each of cleaned) {
    if ("problem" in each) {
      reporter.addProblem(each);
      continue;
    }
    reporter.addRow(each.filtered);
    lines.push(each.line);
    length += each.line.length;
    if (lines.length >= partRows || length >= partLength) await store();
  }
  if (lines.length > 0) await store();
  return parts;
}
