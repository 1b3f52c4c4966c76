import { log } from "../kit/log.ts";

/** A room of a user, identified by the binding of its namespace and its name. */
export type WatchedRoom = { binding: "CHAT_ROOM"; name: string };

/** The methods of a room that a hub calls. */
type RoomStub = { disconnectDevices(devices: readonly string[] | "all"): Promise<void>; invalidateSettings(): Promise<void> };

type Namespaces = { [Binding in WatchedRoom["binding"]]: { getByName(name: string): unknown } };

/** The rooms that a user joined recently, in the storage of the hub, one row each until it expires. Reads create no table. */
export class WatchedRooms {
  readonly #sql: SqlStorage;
  readonly #namespaces: Namespaces;

  constructor(sql: SqlStorage, namespaces: Namespaces) {
    this.#sql = sql;
    this.#namespaces = namespaces;
  }

  subscribe({ binding, name }: WatchedRoom, until: number): void {
    this.#sql.exec("create table if not exists rooms (id integer primary key, binding text, name text, until integer)");
    const update = "update rooms set until = max(until, ?) where binding = ? and name = ? returning id";
    if (this.#sql.exec(update, until, binding, name).toArray().length > 0) return;
    this.#sql.exec("insert into rooms (binding, name, until) values (?, ?, ?)", binding, name, until);
  }

  names(now: number): string[] {
    return this.#rooms(now).map(({ name }) => name);
  }

  /** Calls all rooms. A failed call does not affect the other rooms. @param requestId the request that caused the change, for the log */
  async callRooms(requestId: string, call: (room: RoomStub) => Promise<void>, now: number): Promise<void> {
    await Promise.all(
      this.#rooms(now).map(async ({ binding, name }) => {
        try {
          await call(this.#namespaces[binding].getByName(name) as RoomStub);
        } catch (error) {
          log("error", "A room did not receive a change of its user.", {
            request_id: requestId,
            room: `${binding} ${name}`,
            error,
          });
        }
      }),
    );
  }

  /** The time when the next row expires, in milliseconds since the epoch. */
  endsAt(): number | undefined {
    if (!this.#exists()) return undefined;
    const { next } = this.#sql.exec<{ next: number | null }>("select min(until) as next from rooms").one();
    return next ?? undefined;
  }

  prune(now: number): void {
    if (this.#exists()) this.#sql.exec("delete from rooms where until <= ?", now);
  }

  #rooms(now: number): WatchedRoom[] {
    if (!this.#exists()) return [];
    return this.#sql.exec<WatchedRoom>("select binding, name from rooms where until > ?", now).toArray();
  }

  #exists(): boolean {
    return this.#sql.exec("select 1 from sqlite_schema where name = 'rooms'").toArray().length > 0;
  }
}
