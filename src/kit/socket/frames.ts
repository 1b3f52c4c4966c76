import { Buffer } from "node:buffer";

/** A frame as it is sent: JSON that holds its `seq`. */
export type LoggedFrame = { seq: number; text: string; bytes: number };

/** The largest frame, in bytes of JSON. */
const maxFrameBytes = 64 * 1024;

/**
 * The latest frames of a Durable Object, numbered from 1 without holes. Rows written are what an object costs, and a row deleted
 * is one written: once the log is full, a new frame takes the row of the oldest, so that a frame is one row and numbers never
 * repeat. Reading creates nothing, so that an object that was erased stays so.
 */
export class FrameLog {
  readonly #sql: SqlStorage;
  readonly #capacity: number;

  /** @param capacity how many frames are kept */
  constructor(sql: SqlStorage, capacity = 500) {
    this.#sql = sql;
    this.#capacity = capacity;
  }

  /** The number of the newest frame; 0 before the first. */
  get lastSeq(): number {
    return this.#ends().last;
  }

  /**
   * Writes a frame down. @returns its number, or undefined where a frame with this key is still in the log
   * @throws RangeError if it is larger than 64 KiB
   */
  append(body: object, key?: string): number | undefined {
    this.#sql.exec("create table if not exists frames (seq integer primary key, key text, body text not null)");
    if (key !== undefined && this.#sql.exec("select 1 from frames where key = ?", key).toArray().length > 0) return undefined;
    const { first, last } = this.#ends();
    const seq = last + 1;
    const text = JSON.stringify({ ...body, seq });
    if (Buffer.byteLength(text) > maxFrameBytes) throw new RangeError(`A frame has at most ${maxFrameBytes} bytes.`);
    if (seq - first < this.#capacity) this.#sql.exec("insert into frames values (?, ?, ?)", seq, key ?? null, text);
    else this.#sql.exec("update frames set seq = ?, key = ?, body = ? where seq = ?", seq, key ?? null, text, first);
    return seq;
  }

  /** The frames after `seq`, as many as `maxBytes` hold but at least one; `gap` tells that some are no longer kept. */
  after(seq: number, maxBytes = Infinity): { gap: boolean; frames: LoggedFrame[] } {
    const { first, last } = this.#ends();
    if (seq < first - 1) return { gap: true, frames: [] };
    const frames: LoggedFrame[] = [];
    if (seq >= last) return { gap: false, frames };
    const select = "select seq, body as text, octet_length(body) as bytes from frames where seq > ? order by seq";
    let bytes = 0;
    for (const frame of this.#sql.exec<LoggedFrame>(select, seq)) {
      bytes += frame.bytes;
      if (bytes > maxBytes && frames.length > 0) break;
      frames.push(frame);
    }
    return { gap: false, frames };
  }

  /** How many bytes the frames after `seq` have, up to `last`. */
  bytesBetween(seq: number, last: number): number {
    if (seq >= last || !this.#exists()) return 0;
    const select = "select coalesce(sum(octet_length(body)), 0) as bytes from frames where seq > ? and seq <= ?";
    return this.#sql.exec<{ bytes: number }>(select, seq, last).one().bytes;
  }

  #ends(): { first: number; last: number } {
    if (!this.#exists()) return { first: 1, last: 0 };
    // Two look-ups: min and max in one select would read every row.
    const select = "select (select min(seq) from frames) as first, (select max(seq) from frames) as last";
    const { first, last } = this.#sql.exec<{ first: number | null; last: number | null }>(select).one();
    return { first: first ?? 1, last: last ?? 0 };
  }

  #exists(): boolean {
    return this.#sql.exec("select 1 from sqlite_schema where name = 'frames'").toArray().length > 0;
  }
}
