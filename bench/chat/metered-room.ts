import { ChatRoom } from "../../src/chat/room/durable-object.ts";

/** The units for which Cloudflare bills an object, except its duration. */
export type BilledUnits = { rowsRead: number; rowsWritten: number; messages: number; alarms: number };

/** A conversation's room that counts its billed units. */
export class MeteredRoom extends ChatRoom {
  readonly #meter: StorageMeter;
  #messages = 0;
  #alarms = 0;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    // The constructor of the room reads storage, so counting starts before it.
    const meter = new StorageMeter(ctx.storage);
    super(ctx, env);
    this.#meter = meter;
  }

  override webSocketMessage(...message: Parameters<ChatRoom["webSocketMessage"]>): Promise<void> {
    this.#messages += 1;
    return super.webSocketMessage(...message);
  }

  override onAlarm(): Promise<void> {
    this.#alarms += 1;
    return super.onAlarm();
  }

  /** Waits until Postgres has every change, then returns the units since the previous call. */
  async takeBilledUnits(): Promise<BilledUnits> {
    while (this.nextAlarmAt() !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    const units = { ...this.#meter.take(), messages: this.#messages, alarms: this.#alarms };
    this.#messages = this.#alarms = 0;
    return units;
  }
}

/** Counts the rows that an object reads and writes: rows of SQL, and one row per key operation and alarm change. */
class StorageMeter {
  #cursors: { rowsRead: number; rowsWritten: number }[] = [];
  #read = 0;
  #written = 0;

  constructor(storage: DurableObjectStorage) {
    this.#intercept(storage.sql, "exec", (cursor) => this.#cursors.push(cursor as SqlStorageCursor<never>));
    for (const keys of [storage, storage.kv]) {
      this.#intercept(keys, "get", () => (this.#read += 1));
      this.#intercept(keys, "put", () => (this.#written += 1));
      this.#intercept(keys, "delete", () => (this.#written += 1));
    }
    this.#intercept(storage, "setAlarm", () => (this.#written += 1));
    this.#intercept(storage, "deleteAlarm", () => (this.#written += 1));
  }

  /** Returns the rows since the previous call. */
  take(): { rowsRead: number; rowsWritten: number } {
    const cursors = this.#cursors.splice(0);
    const rowsRead = cursors.reduce((sum, cursor) => sum + cursor.rowsRead, this.#read);
    const rowsWritten = cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, this.#written);
    this.#read = this.#written = 0;
    return { rowsRead, rowsWritten };
  }

  #intercept(target: object, method: string, onResult: (result: unknown) => void): void {
    const methods = target as Record<string, (...args: unknown[]) => unknown>;
    const original = methods[method]!.bind(target);
    const value = (...args: unknown[]) => {
      const result = original(...args);
      onResult(result);
      return result;
    };
    Object.defineProperty(target, method, { value });
  }
}
