import { ChatRoom } from "../../src/chat/durable-object.ts";

/** What Cloudflare bills of an object, beside its time. */
export type Billed = { rowsRead: number; rowsWritten: number; messages: number; alarms: number };

/** A conversation's room that counts what it is billed for. */
export class MeteredRoom extends ChatRoom {
  readonly #meter: StorageMeter;
  #messages = 0;
  #alarms = 0;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    // Before the room has read anything.
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

  /** What was billed since it was asked last, once all of it is in Postgres too. */
  async billed(): Promise<Billed> {
    while (this.nextAlarm() !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    const billed = { ...this.#meter.take(), messages: this.#messages, alarms: this.#alarms };
    this.#messages = this.#alarms = 0;
    return billed;
  }
}

/** Counts the rows that a storage reads and writes: those of SQL, and one for each key and each alarm that is set. */
class StorageMeter {
  #cursors: { rowsRead: number; rowsWritten: number }[] = [];
  #read = 0;
  #written = 0;

  constructor(storage: DurableObjectStorage) {
    this.#watch(storage.sql, "exec", (cursor) => this.#cursors.push(cursor as SqlStorageCursor<never>));
    for (const keys of [storage, storage.kv]) {
      this.#watch(keys, "get", () => (this.#read += 1));
      this.#watch(keys, "put", () => (this.#written += 1));
      this.#watch(keys, "delete", () => (this.#written += 1));
    }
    this.#watch(storage, "setAlarm", () => (this.#written += 1));
    this.#watch(storage, "deleteAlarm", () => (this.#written += 1));
  }

  /** What was counted since. */
  take(): { rowsRead: number; rowsWritten: number } {
    const cursors = this.#cursors.splice(0);
    const rowsRead = cursors.reduce((sum, cursor) => sum + cursor.rowsRead, this.#read);
    const rowsWritten = cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, this.#written);
    this.#read = this.#written = 0;
    return { rowsRead, rowsWritten };
  }

  #watch(of: object, method: string, count: (result: unknown) => void): void {
    const methods = of as Record<string, (...args: unknown[]) => unknown>;
    const original = methods[method]!.bind(of);
    const value = (...args: unknown[]) => {
      const result = original(...args);
      count(result);
      return result;
    };
    Object.defineProperty(of, method, { value });
  }
}
