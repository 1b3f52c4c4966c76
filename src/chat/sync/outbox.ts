import { readStored, writeStored } from "../../agent/message/codec.ts";
import type { MessageUpdate, MessageRemoval, TurnWrite } from "./write-to-postgres.ts";

/** A change to write to Postgres. */
export type Entry = (
  | { kind: "turn"; of: TurnWrite }
  | { kind: "change"; of: MessageUpdate }
  | { kind: "removal"; of: MessageRemoval }
) & {
  /** The request that caused the change. */
  request_id?: string;
};

/** The pending changes of a room, in order, in its storage. Reading creates nothing. */
export class Outbox {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(entry: Entry): void {
    this.#sql.exec("create table if not exists outbox (id integer primary key, body text not null)");
    this.#sql.exec("insert into outbox (body) values (?)", writeStored(entry));
  }

  first(): { id: number; entry: Entry } | undefined {
    if (!this.#exists()) return undefined;
    const select = "select id, body from outbox order by id limit 1";
    const [row] = this.#sql.exec<{ id: number; body: string }>(select).toArray();
    return row === undefined ? undefined : { id: row.id, entry: readStored(row.body) as Entry };
  }

  remove(id: number): void {
    if (this.#exists()) this.#sql.exec("delete from outbox where id = ?", id);
  }

  #exists(): boolean {
    return this.#sql.exec("select 1 from sqlite_schema where name = 'outbox'").toArray().length > 0;
  }
}
