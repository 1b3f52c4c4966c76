import { continuedRank, type Line, type Table } from "./lines.ts";

/** The maximum length of a header row that is kept beside a chunk, in UTF-16 units. */
const maxHeaderLength = 500;

/** Reads the lines of a section as far as the next chunk needs them. */
export class LineReader {
  readonly #lines: Iterator<Line>;
  /** The lines read so far that may be a position to cut. */
  #ahead: Line[] = [];
  #tables: Table[] = [];
  #readTo = -1;

  constructor(lines: Iterator<Line>) {
    this.#lines = lines;
  }

  /** Reads the lines up to a position, and forgets those before the earliest possible cut. */
  readTo(position: number, earliest: number): void {
    this.#ahead = this.#ahead.filter(({ previousEnd }) => previousEnd >= earliest);
    while (this.#readTo <= position) {
      const { value, done } = this.#lines.next();
      if (done === true) return;
      this.#readTo = value.previousEnd;
      if (value.previousEnd >= earliest) this.#ahead.push(value);
      if (value.table !== undefined && value.table !== this.#tables.at(-1)) this.#tables.push(value.table);
    }
  }

  /** The best position to cut up to a limit: the last one of the best rank. @param isContinued whether a line may continue a sentence */
  cutBefore(limit: number, isContinued: boolean): number | undefined {
    let best: Line | undefined;
    for (const line of this.#ahead) {
      const isPossible = line.previousEnd <= limit && line.rank >= continuedRank === isContinued;
      if (isPossible && line.rank <= (best?.rank ?? Infinity)) best = line;
    }
    return best?.previousEnd;
  }

  /** The header row of the table that a position is inside, after the start of the header. */
  headerAt(position: number): string | null {
    this.#tables = this.#tables.filter(({ end }) => end > position);
    const [table] = this.#tables;
    if (table === undefined || table.start >= position) return null;
    return table.header.slice(0, maxHeaderLength).replace(/[\ud800-\udbff]$/, "");
  }
}
