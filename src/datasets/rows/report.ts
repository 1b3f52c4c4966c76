import { toStorableText } from "../../kit/db/text.ts";
import { maxShown } from "../constants.ts";
import type { Parsed, RowProblem } from "../formats/types.ts";
import type { FilteredRow } from "../cleaning/row-filter.ts";
import { qualityScore, type RowCounts } from "../rules.ts";
import type { Report } from "../schemas.ts";

const excerptLength = 200;

/** Builds a report while a file is parsed. */
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

  /** Records a problem. */
  addProblem({ problem }: Extract<Parsed, { problem: unknown }>): void {
    // The row of a part that was left out is read.
    if (problem.code !== "left_out") this.#unreadable += 1;
    if (this.#problems.length < maxShown) this.#problems.push({ ...problem, message: toStorableText(problem.message, 500) });
  }

  /** Records a row. */
  addRow({ row, dropped }: FilteredRow): void {
    const index = this.#rows;
    this.#rows += 1;
    this.#kinds[row.kind] = (this.#kinds[row.kind] ?? 0) + 1;
    if (dropped !== null && this.#droppedRows.length < maxShown) {
      const text = row.text.slice(0, excerptLength).toWellFormed();
      this.#droppedRows.push({ index, reason: dropped, source: row.source, text });
    }
  }

  /** @param counts of the row filter */
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
