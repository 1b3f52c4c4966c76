/** A CSV record, its first line, and its fault. */
export type CsvRecord = { line: number; cells: string[]; fault?: "too_long" | "quote_not_closed" };

/** The result of a read: a record and its end, or the position of an unclosed quote. */
type CsvReadResult = { cells: string[]; end: number } | { quote: number } | undefined;

/**
 * Parses CSV (RFC 4180) as a stream. Blank lines are skipped. A quote counts only at the start of a cell. An unclosed quote
 * costs only its line: parsing resumes after that line.
 */
export class CsvScanner {
  readonly #separator: string;
  readonly #maxLength: number;
  readonly #cellEnd: RegExp;
  #text = "";
  #at = 0;
  #line = 1;
  /** Whether the rest of a line is being skipped. */
  #isSkipping = false;

  /** @param maxLength of a record, in UTF-16 code units */
  constructor(separator: string, maxLength: number) {
    this.#separator = separator;
    this.#maxLength = maxLength;
    this.#cellEnd = new RegExp(`[\\r\\n${separator}]`, "g");
  }

  /** The records that end in this chunk. */
  *push(chunk: string): Generator<CsvRecord> {
    this.#text = this.#text.slice(this.#at) + chunk;
    this.#at = 0;
    yield* this.#records(false);
  }

  /** The records at the end of the text. */
  *end(): Generator<CsvRecord> {
    yield* this.#records(true);
  }

  *#records(isEnd: boolean): Generator<CsvRecord> {
    for (;;) {
      if (this.#isSkipping) this.#skipLine(this.#at);
      if (this.#at >= this.#text.length) return;
      const start = this.#text.slice(this.#at, this.#at + this.#maxLength + 2);
      const isLast = isEnd && this.#at + start.length === this.#text.length;
      const reading = this.#read(start, isLast);
      if (reading !== undefined && "end" in reading) {
        const { cells, end } = reading;
        const isBlank = cells.length === 1 && cells[0]!.trim() === "";
        if (end > this.#maxLength + 1) yield { line: this.#line, cells: [], fault: "too_long" };
        else if (!isBlank) yield { line: this.#line, cells };
        this.#moveTo(this.#at + end);
      } else if (isLast || start.length > this.#maxLength + 1) {
        yield { line: this.#line, cells: [], fault: reading === undefined ? "too_long" : "quote_not_closed" };
        this.#skipLine(this.#at + (reading?.quote ?? 0));
      } else return;
    }
  }

  /** Parses the first record of a text; undefined if it is incomplete. The result does not depend on the chunks. */
  #read(text: string, isEnd: boolean): CsvReadResult {
    const cells: string[] = [];
    for (let at = 0; ; at++) {
      let cell = "";
      if (text[at] === '"') {
        const closing = closingQuote(text, at + 1, isEnd);
        if (closing === undefined) return { quote: at };
        cell = text.slice(at + 1, closing).replaceAll('""', '"');
        at = closing + 1;
      }
      this.#cellEnd.lastIndex = at;
      const end = this.#cellEnd.exec(text)?.index ?? text.length;
      const isCut = end === text.length || (text[end] === "\r" && end + 1 === text.length);
      if (isCut && !isEnd) return undefined;
      cells.push(cell + text.slice(at, end));
      if (text[end] !== this.#separator) return { cells, end: end + (text.startsWith("\r\n", end) ? 2 : 1) };
      at = end;
    }
  }

  #moveTo(at: number): void {
    this.#line += this.#text.slice(this.#at, at).match(/\r\n|\r|\n/g)?.length ?? 0;
    this.#at = Math.min(at, this.#text.length);
  }

  /** Skips to the line after the one that contains `from`. */
  #skipLine(from: number): void {
    const lineEnd = /\r\n|\r|\n/g;
    lineEnd.lastIndex = from;
    const found = lineEnd.exec(this.#text);
    this.#isSkipping = found === null;
    this.#moveTo(found === null ? this.#text.length : lineEnd.lastIndex);
  }
}

/** The position of the quote that closes the cell starting at `from`; undefined if it is missing so far. */
function closingQuote(text: string, from: number, isEnd: boolean): number | undefined {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] === '"') continue;
    return at + 1 < text.length || isEnd ? at : undefined;
  }
  return undefined;
}
