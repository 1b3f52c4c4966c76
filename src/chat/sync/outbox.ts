import { readStored, writeStored } from "../../agent/message/codec.ts";
import type { MessageUpdate, MessageRemoval, SetAsideReport, TurnWrite } from "./write-to-postgres.ts";

/** A change to write to Postgres, or the report of one that could not be written. */
export type Entry = (
  | { kind: "turn"; of: TurnWrite }
  | { kind: "change"; of: MessageUpdate }
  | { kind: "removal"; of: MessageRemoval }
  | { kind: "report"; of: SetAsideReport }
) & {
  /** The request that caused the change. */
  request_id?: string;
};

export type StoredEntry = { id: number; entry: Entry };

type Table = "outbox" | "set_aside";

/** The pending changes of a room, in order, in its storage, and those that Postgres refuses. Reading creates nothing. */
export class Outbox {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(entry: Entry): void {
    this.#sql.exec("create table if not exists outbox (id integer primary key, body text not null)");
    this.#sql.exec("insert into outbox (body) values (?)", writeStored(entry));
  }

  first(): StoredEntry | undefined {
    return this.#read("outbox", "order by id limit 1");
  }

  remove(id: number): void {
    this.#delete("outbox", id);
  }

  /** Moves an entry out of the way, and enqueues its report. @returns the ID under which it is kept */
  setAside({ id, entry }: StoredEntry, reason: string, report: (entryId: number) => Entry): number {
    this.#sql.exec(
      "create table if not exists set_aside (id integer primary key, body text not null, reason text not null, at text not null)",
    );
    const [row] = this.#sql
      .exec<{ id: number }>(
        "insert into set_aside (body, reason, at) values (?, ?, ?) returning id",
        writeStored(entry),
        reason,
        new Date().toISOString(),
      )
      .toArray();
    this.remove(id);
    this.add(report(row!.id));
    return row!.id;
  }

  /** An entry that was set aside; undefined if it was written since. */
  findSetAside(id: number): StoredEntry | undefined {
    return this.#read("set_aside", "where id = ?", id);
  }

  removeSetAside(id: number): void {
    this.#delete("set_aside", id);
  }

  #read(table: Table, condition: string, ...values: number[]): StoredEntry | undefined {
    if (!this.#exists(table)) return undefined;
    const select = `select id, body from ${table} ${condition}`;
    const [row] = this.#sql.exec<{ id: number; body: string }>(select, ...values).toArray();
    return row === undefined ? undefined : { id: row.id, entry: readStored(row.body) as Entry };
  }

  #delete(table: Table, id: number): void {
    if (this.#exists(table)) this.#sql.exec(`delete from ${table} where id = ?`, id);
  }

  #exists(table: Table): boolean {
    return this.#sql.exec("select 1 from sqlite_schema where name = ?", table).toArray().length > 0;
  }
}
