import * as z from "zod";
import { storable } from "../../kit/db/text.ts";
import { dropReasons, rowKinds } from "../constants.ts";
import { rowProblemCodes, type Parsed, type RowProblem } from "../formats/types.ts";
import type { RefinedRow } from "../cleaning/row-filter.ts";
import { qualityScore, type RowCounts } from "../rules.ts";

/** How many problems, and how many dropped rows, a report shows. The rest is counted. */
const shown = 50;
const excerptLength = 200;

const Count = z.int().min(0);

/** What was found in a dataset: what could not be read, and what refining leaves out where the dataset is used. */
export const Report = z
  .object({
    rows: Count.meta({ description: "Rows that were parsed" }),
    kept: Count.meta({ description: "Rows that are used" }),
    unreadable: Count.meta({ description: "Rows, lines or pages that could not be read" }),
    dropped: z.object(
      Object.fromEntries(dropReasons.map((reason) => [reason, Count])) as Record<(typeof dropReasons)[number], typeof Count>,
    ),
    kinds: z.partialRecord(z.enum(rowKinds), Count).meta({ description: "What rows were recognised as" }),
    quality_score: z.int().min(0).max(100),
    problems: z
      .array(z.object({ position: z.int().min(1), code: z.enum(rowProblemCodes), message: z.string() }))
      .meta({ description: `What was wrong, where: the first ${shown}` }),
    dropped_rows: z
      .array(z.object({ index: Count, reason: z.enum(dropReasons), source: z.string(), text: z.string() }))
      .meta({ description: `The first ${shown} rows that are left out, each with how its text begins` }),
    partial: z
      .boolean()
      .optional()
      .meta({ description: "True where Hugging Face's dataset server has only the beginning of the split, 5 GB of it" }),
  })
  .meta({ id: "DatasetReport" });
export type Report = z.output<typeof Report>;

/** Gathers a report while a file is read. */
export class Reporter {
  readonly #problems: Report["problems"] = [];
  readonly #droppedRows: Report["dropped_rows"] = [];
  readonly #kinds: Report["kinds"] = {};
  #unreadable = 0;
  #rows = 0;

  /** Rows so far. */
  get rows(): number {
    return this.#rows;
  }

  get firstProblem(): RowProblem | undefined {
    return this.#problems[0];
  }

  /** Takes down a problem. */
  addProblem({ problem }: Extract<Parsed, { problem: unknown }>): void {
    this.#unreadable += 1;
    if (this.#problems.length < shown) this.#problems.push({ ...problem, message: storable(problem.message, 500) });
  }

  /** Takes down a row. @returns its index */
  addRow({ row, dropped }: RefinedRow): number {
    const index = this.#rows;
    this.#rows += 1;
    this.#kinds[row.kind] = (this.#kinds[row.kind] ?? 0) + 1;
    if (dropped !== null && this.#droppedRows.length < shown) {
      const text = row.text.slice(0, excerptLength).toWellFormed();
      this.#droppedRows.push({ index, reason: dropped, source: row.source, text });
    }
    return index;
  }

  /** @param counts of the refiner */
  finish({ kept, ...dropped }: Omit<RowCounts, "unreadable">): Report {
    return {
      rows: this.#rows,
      kept,
      unreadable: this.#unreadable,
      dropped,
      kinds: this.#kinds,
      quality_score: qualityScore({ kept, ...dropped, unreadable: this.#unreadable }),
      problems: this.#problems,
      dropped_rows: this.#droppedRows,
    };
  }
}
