/** A CSV record, its first line, its fault, and whether a cell has text after its closing quote. */
export type CsvRecord = { line: number; cells: string[]; fault?: CsvFault; isOddlyQuoted?: true };

type CsvFault = "too_long" | "too_wide" | "quote_not_closed";

/**
 * The cell that is being read: where it starts, where the rest after its quoted part starts, its quoted part, and the spaces before its
 * quote.
 */
type OpenCell = { start: number; rest: number; quoted: string | undefined; isQuoted: boolean; spaces: number };

/**
 * Parses CSV (RFC 4180) as a stream, each character once. Blank lines are skipped. A quote counts only at the start of a cell, or after
 * spaces if it is closed at the end of the cell. An unclosed quote costs only its line, and so does a record that is too wide or too long: parsing resumes after that line.
 */
export class CsvScanner {
  readonly #separator: string;
  readonly #maxLength: number;
  readonly #maxCells: number;
  readonly #cellEnd: RegExp;
  /** The text from the start of the current record, which is at `#at`. */
  #text = "";
  #at = 0;
  #line = 1;
  /** The state of the current record: its cells so far, the open one, and the next position. */
  #cells: string[] = [];
  #cell: OpenCell | undefined;
  #next = 0;
  #isOddlyQuoted = false;
  /** Whether the rest of a line is being skipped. */
  #isSkipping = false;

  /** @param limits of a record: its length in UTF-16 code units, and its number of cells */
  constructor(separator: string, { maxLength, maxCells }: { maxLength: number; maxCells: number }) {
    this.#separator = separator;
    this.#maxLength = maxLength;
    this.#maxCells = maxCells;
    this.#cellEnd = new RegExp(`[\\r\\n${separator.replace(/[\\\]^-]/, "\\$&")}]`, "g");
  }

  /** The length of the text of the incomplete record, which the next chunk is joined to. */
  get pending(): number {
    return this.#text.length - this.#at;
  }

  /** The records that end in this chunk. */
  *push(chunk: string): Generator<CsvRecord> {
    const moved = this.#at;
    this.#text = this.#text.slice(moved) + chunk;
    this.#at = 0;
    this.#next -= moved;
    if (this.#cell !== undefined) {
      this.#cell.start -= moved;
      this.#cell.rest -= moved;
    }
    yield* this.#records(false);
  }

  /** The records at the end of the text. */
  *end(): Generator<CsvRecord> {
    yield* this.#records(true);
  }

  *#records(isEnd: boolean): Generator<CsvRecord> {
    for (;;) {
      if (this.#isSkipping && !this.#skipLine(isEnd)) return;
      if (this.#cells.length === 0 && this.#cell === undefined) this.#skipLineBreaks();
      if (this.#at >= this.#text.length) return;
      const line = this.#line;
      const outcome = this.#read(isEnd);
      if (outcome === undefined) return;
      const cells = this.#cells;
      const odd = this.#isOddlyQuoted ? ({ isOddlyQuoted: true } as const) : {};
      if (outcome === "read") {
        this.#moveTo(this.#next);
        const isBlank = cells.length === 1 && cells[0]!.trim() === "";
        if (!isBlank) yield { line, cells, ...odd };
      } else {
        const from = outcome === "quote_not_closed" ? this.#cell!.start : outcome === "too_wide" ? this.#next : this.#at;
        this.#moveTo(from);
        this.#isSkipping = true;
        yield { line, cells: [], fault: outcome };
      }
    }
  }

  /** Reads on in the current record. The result does not depend on the chunks. @returns undefined if more text is needed */
  #read(isEnd: boolean): "read" | CsvFault | undefined {
    const limit = this.#at + this.#maxLength;
    for (;;) {
      if (this.#cell === undefined && this.#next >= this.#text.length && !isEnd) return undefined;
      const cell = (this.#cell ??= this.#openCell(isEnd));
      if (cell === undefined) return undefined;
      if (cell.isQuoted) {
        const closing = this.#closingQuote(isEnd);
        if (closing === undefined || closing > limit) {
          if (closing === undefined && !isEnd && this.#text.length <= limit + 1) return undefined;
          if (cell.spaces === 0) return "quote_not_closed";
          this.#unquote(cell);
          continue;
        }
        cell.quoted = this.#text.slice(cell.start + 1, closing).replaceAll('""', '"');
        cell.isQuoted = false;
        this.#next = cell.rest = closing + 1;
      }
      this.#cellEnd.lastIndex = this.#next;
      const end = this.#cellEnd.exec(this.#text)?.index ?? this.#text.length;
      if (end > limit) return "too_long";
      this.#next = end;
      const isCut = end === this.#text.length || (this.#text[end] === "\r" && end + 1 === this.#text.length);
      if (isCut && !isEnd) return undefined;
      const rest = this.#text.slice(cell.rest, end);
      if (cell.quoted !== undefined && cell.spaces > 0 && rest.trim() !== "") {
        this.#unquote(cell);
        continue;
      }
      if (cell.quoted !== undefined && rest.trim() !== "") this.#isOddlyQuoted = true;
      this.#cells.push(cell.quoted === undefined ? rest : cell.quoted + rest.trimEnd());
      this.#cell = undefined;
      if (this.#cells.length > this.#maxCells) return "too_wide";
      this.#next = end + (this.#text.startsWith("\r\n", end) ? 2 : 1);
      if (this.#text[end] !== this.#separator) return "read";
    }
  }

  /** Opens the next cell; undefined if more text must say whether a quote follows its spaces. */
  #openCell(isEnd: boolean): OpenCell | undefined {
    const start = this.#next;
    let at = start;
    while (this.#text[at] === " ") at++;
    if (at > start && at === this.#text.length && !isEnd && at - this.#at <= this.#maxLength) return undefined;
    const isQuoted = this.#text[at] === '"' && (at === start || this.#cells.length > 0);
    if (isQuoted) this.#next = at + 1;
    return { start: isQuoted ? at : start, rest: start, quoted: undefined, isQuoted, spaces: isQuoted ? at - start : 0 };
  }

  /** Reads a cell again as text, from its spaces on. */
  #unquote(cell: OpenCell): void {
    cell.start -= cell.spaces;
    this.#next = cell.rest = cell.start;
    cell.spaces = 0;
    cell.quoted = undefined;
    cell.isQuoted = false;
  }

  /** The position of the quote that closes the open cell; undefined if it is missing so far. */
  #closingQuote(isEnd: boolean): number | undefined {
    for (;;) {
      const at = this.#text.indexOf('"', this.#next);
      if (at < 0) this.#next = this.#text.length;
      else if (this.#text[at + 1] === '"') this.#next = at + 2;
      else if (at + 1 < this.#text.length || isEnd) return at;
      else this.#next = at;
      if (at < 0 || this.#next === at) return undefined;
    }
  }

  /** Starts a record here, or goes on skipping from here. */
  #moveTo(at: number): void {
    const end = Math.min(at, this.#text.length);
    for (let index = this.#at; index < end; index++) {
      const code = this.#text.charCodeAt(index);
      if (code === lineFeed || (code === carriageReturn && this.#text.charCodeAt(index + 1) !== lineFeed)) this.#line++;
    }
    this.#at = this.#next = end;
    this.#cells = [];
    this.#cell = undefined;
    this.#isOddlyQuoted = false;
  }

  /** Skips empty lines, of which a file may have very many. */
  #skipLineBreaks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      const following = this.#text.charCodeAt(this.#at + 1);
      const isBreak = code === lineFeed || (code === carriageReturn && !Number.isNaN(following));
      if (!isBreak) return;
      this.#at += code === carriageReturn && following === lineFeed ? 2 : 1;
      this.#next = this.#at;
      this.#line++;
    }
  }

  /** Skips the rest of a line. @returns whether its end was found */
  #skipLine(isEnd: boolean): boolean {
    lineEnd.lastIndex = this.#at;
    const found = lineEnd.exec(this.#text);
    const isCut = found?.[0] === "\r" && lineEnd.lastIndex === this.#text.length && !isEnd;
    this.#isSkipping = found === null || isCut;
    this.#moveTo(isCut ? found.index : found === null ? this.#text.length : lineEnd.lastIndex);
    return !this.#isSkipping;
  }
}

const lineEnd = /\r\n|\r|\n/g;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
