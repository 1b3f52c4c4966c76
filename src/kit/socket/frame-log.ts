import { Buffer } from "node:buffer";

/** A frame as sent: JSON with its `seq`. It covers the numbers `from` to `seq`. These are equal, except for a segment of text. */
export type LoggedFrame = { from: number; seq: number; text: string };

/** The header of a text: the type of its frames and their other fields. */
export type TextFrameHeader = { type: string } & Record<string, unknown>;

/** The largest frame, in bytes of JSON. */
const maxFrameBytes = 256 * 1024;

/** Maximum UTF-16 code units of a segment. This many numbers are reserved for it. */
export const maxSegmentLength = 32 * 1024;

/** A segment that can still grow. `written` is the length of its text that is in its row. */
type TextSegment = { seq: number; head: string; offset: number; text: string; written: number };

type Row = { seq: number; last: number | null; body: string; text: string | null };

/**
 * The latest frames of a Durable Object, numbered from 1. The cost of an object is its written rows, and a deleted row counts as
 * written. So when the log is full, a new frame overwrites the oldest row: each frame writes one row, and numbers never repeat. Reading
 * creates nothing, so an erased object stays erased.
 *
 * Streamed text is one growing row: a segment. Each code unit has a number from a range that is reserved before the first one is sent,
 * so every number identifies a position in the text. A crash loses text that was not flushed, but not its numbers: the log continues
 * after the range.
 */
export class FrameLog {
  readonly #sql: SqlStorage;
  readonly #capacity: number;
  /** The count of frames; undefined without a table. */
  #rows: number | undefined;
  #last: number | undefined;
  #open: TextSegment | undefined;

  /** @param capacity maximum number of frames in the log, at least 2. A segment counts as one */
  constructor(sql: SqlStorage, capacity = 500) {
    this.#sql = sql;
    this.#capacity = capacity;
  }

  /** The newest number; 0 before the first. */
  get lastSeq(): number {
    return this.#open === undefined ? (this.#last ??= this.#readLast()) : endOf(this.#open);
  }

  /**
   * Appends a frame. @returns it, or undefined if the log already has a frame with this key
   * @throws RangeError if it is larger than 256 KiB
   */
  append(body: object, key?: string): LoggedFrame | undefined {
    if (key !== undefined && this.#has(key)) return undefined;
    const seq = this.lastSeq + 1;
    const text = JSON.stringify({ ...body, seq });
    if (Buffer.byteLength(text) > maxFrameBytes) throw new RangeError(`A frame has at most ${maxFrameBytes} bytes.`);
    this.close();
    this.#insert({ seq, last: null, body: text, text: null }, key);
    this.#last = seq;
    return { from: seq, seq, text };
  }

  /**
   * Appends more of a text and returns one frame for each piece. The text extends the open segment if it continues it.
   * A new segment is written at once; `flush` writes an extended one.
   * @param offset the offset of the first piece in the text of `head`, in UTF-16 code units
   * @param pieces 1 to `maxSegmentLength` code units each, never ending inside a surrogate pair
   */
  appendText(head: TextFrameHeader, offset: number, pieces: readonly string[]): LoggedFrame[] {
    const name = JSON.stringify(head);
    let end = offset;
    return pieces.map((piece) => {
      const start = end;
      end += piece.length;
      return this.#extend(name, start, piece);
    });
  }

  #extend(name: string, offset: number, piece: string): LoggedFrame {
    if (piece.length < 1 || piece.length > maxSegmentLength)
      throw new RangeError(`A segment must have 1–${maxSegmentLength} code units.`);
    let open = this.#open;
    const goesOn =
      open?.head === name && open.offset + open.text.length === offset && open.text.length + piece.length <= maxSegmentLength;
    if (!goesOn) {
      const seq = this.lastSeq + 1;
      this.close();
      this.#open = open = { seq, head: name, offset, text: "", written: piece.length };
      this.#insert({ seq, last: seq + maxSegmentLength - 1, body: `${offset} ${name}`, text: piece });
    }
    const from = endOf(open!) + 1;
    open!.text += piece;
    return textFrame(name, { offset, text: piece, from });
  }

  /** Writes the unwritten text: at most one row. */
  flush(): void {
    const open = this.#open;
    if (open === undefined || open.written === open.text.length) return;
    this.#sql.exec("update frame_log set text = ? where seq = ?", open.text, open.seq);
    open.written = open.text.length;
  }

  /** Ends the open segment, and releases the rest of its range. */
  close(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#last = endOf(open);
    this.#sql.exec("update frame_log set text = ?, last = ? where seq = ?", open.text, endOf(open), open.seq);
  }

  /** The frames after `seq`, up to `maxBytes` but at least one. `gap` means that some are no longer in the log. */
  after(seq: number, maxBytes = Infinity): { gap: boolean; frames: LoggedFrame[] } {
    const frames: LoggedFrame[] = [];
    if (!this.#exists()) return { gap: false, frames };
    const { first } = this.#sql.exec<{ first: number | null }>("select min(seq) as first from frame_log").one();
    if (first === null) return { gap: false, frames };
    if (seq < first - 1) return { gap: true, frames };
    // The previous row can be a segment that continues after `seq`.
    const select = `
      select seq, last, body, text from frame_log
      where seq >= coalesce((select max(seq) from frame_log where seq <= ?1), ?1) order by seq`;
    let bytes = 0;
    for (const row of this.#sql.exec<Row>(select, seq)) {
      const frame = this.#frameAfter(row, seq);
      if (frame === undefined) continue;
      bytes += Buffer.byteLength(frame.text);
      if (bytes > maxBytes && frames.length > 0) break;
      frames.push(frame);
    }
    return { gap: false, frames };
  }

  /** Resets the state after the storage was deleted. */
  forget(): void {
    this.#open = this.#rows = this.#last = undefined;
  }

  /** The part of a row after `seq`. */
  #frameAfter(row: Row, seq: number): LoggedFrame | undefined {
    if (row.text === null) return row.seq > seq ? { from: row.seq, seq: row.seq, text: row.body } : undefined;
    const stretch = this.#open?.seq === row.seq ? this.#open : stretchOf(row, row.text);
    return endOf(stretch) > seq ? stretchFrame(stretch, Math.max(stretch.seq, seq + 1)) : undefined;
  }

  #insert({ seq, last, body, text }: Row, key: string | null = null): void {
    this.#rows ??= this.#makeTable();
    if (this.#rows < this.#capacity) {
      this.#sql.exec("insert into frame_log values (?, ?, ?, ?, ?)", seq, last, key, body, text);
      this.#rows += 1;
    } else {
      const update =
        "update frame_log set seq = ?, last = ?, key = ?, body = ?, text = ? where seq = (select min(seq) from frame_log)";
      this.#sql.exec(update, seq, last, key, body, text);
    }
  }

  #has(key: string): boolean {
    return this.#exists() && this.#sql.exec("select 1 from frame_log where key = ?", key).toArray().length > 0;
  }

  /** @returns the count of frames */
  #makeTable(): number {
    this.#sql.exec(
      "create table if not exists frame_log (seq integer primary key, last integer, key text, body text not null, text text)",
    );
    return this.#sql.exec<{ rows: number }>("select count(*) as rows from frame_log").one().rows;
  }

  #readLast(): number {
    if (!this.#exists()) return 0;
    const select = "select coalesce(last, seq) as last from frame_log order by seq desc limit 1";
    return this.#sql.exec<{ last: number }>(select).toArray()[0]?.last ?? 0;
  }

  #exists(): boolean {
    return (
      this.#rows !== undefined || this.#sql.exec("select 1 from sqlite_schema where name = 'frame_log'").toArray().length > 0
    );
  }
}

const endOf = ({ seq, text }: Pick<TextSegment, "seq" | "text">): number => seq + text.length - 1;

/** A segment as stored in its row: `body` is its offset and its header. */
function stretchOf({ seq, body }: Row, text: string): TextSegment {
  const space = body.indexOf(" ");
  return { seq, head: body.slice(space + 1), offset: Number(body.slice(0, space)), text, written: text.length };
}

/** The rest of a segment from a number, as a frame. */
function stretchFrame({ seq, head, offset, text }: TextSegment, from: number): LoggedFrame {
  const skipped = from - seq;
  return textFrame(head, { offset: offset + skipped, text: text.slice(skipped), from });
}

/** @param head the header as JSON, with at least a type */
function textFrame(head: string, { offset, text, from }: { offset: number; text: string; from: number }): LoggedFrame {
  const seq = from + text.length - 1;
  const rest = `"offset":${offset},"text":${JSON.stringify(text)},"from_seq":${from},"seq":${seq}}`;
  return { from, seq, text: `${head.slice(0, -1)},${rest}` };
}
