import { DurableObject } from "cloudflare:workers";
import { logAlarm } from "../kit/socket/alarm.ts";
import { withFailure, failuresAt, resetsAt, longestMemoryMs, waitMs, withoutAttempt, type Budget } from "./rules.ts";

/** The client of a sign-in attempt, as hashes of its device token and its IP address. */
export type SignInKeys = { device: string | null; address: string | null };

/** The decision about an attempt, and the budget that was charged. */
export type Admission = { admitted: true; budget: string } | { admitted: false; retryAfterSeconds: number };

type Row = Budget & {
  id: number;
  /** The hash of a device or address that has signed in before. Empty: all other clients together. */
  clientKey: string;
  /** The time of the last sign-in, in milliseconds since the epoch. 0 for unknown clients. */
  known_at: number;
};

const unknownClients = "";
const day = 24 * 60 * 60_000;
const knownForMs = 90 * day;
const maxKnown = 20;

/** The minimum time between two alarms, in milliseconds. Each alarm writes a row. */
const minAlarmMs = 60 * 60_000;

/**
 * Delays the sign-in attempts for one identifier, with or without an account. Clients that have signed in before have their own
 * budgets. An attempt counts as failed as soon as it is admitted, so parallel attempts are all counted.
 * The object keeps few rows, has no index and skips unchanged rows, because each written row costs money.
 */
export class SignInGate extends DurableObject {
  #hasTable = false;

  /** Admits an attempt and counts it, or returns the time to wait. A refused attempt changes nothing. */
  async attempt(keys: SignInKeys): Promise<Admission> {
    const now = Date.now();
    const rows = this.#rows();
    const find = (key: string | null) => rows.find(({ clientKey }) => clientKey === key);
    const row = find(keys.device) ?? find(keys.address) ?? find(unknownClients);
    if (row === undefined) {
      await this.#add(unknownClients, withFailure({ failures: 0, tried_at: now }, now), 0);
      return { admitted: true, budget: unknownClients };
    }
    const wait = waitMs(row, now);
    if (wait > 0) return { admitted: false, retryAfterSeconds: Math.ceil(wait / 1_000) };
    this.#write(row, withFailure(row, now), row.known_at);
    return { admitted: true, budget: row.clientKey };
  }

  /**
   * Takes back the attempt charged to `budget` and remembers the device and the address.
   * The budget of a known client is reset. The budget of unknown clients loses only this attempt.
   */
  async recordSuccess(budget: string | null, keys: SignInKeys): Promise<void> {
    const now = Date.now();
    const rows = this.#rows();
    const charged = rows.find(({ clientKey }) => clientKey === budget);
    if (charged?.clientKey === unknownClients) this.#write(charged, withoutAttempt(charged), 0);
    else if (charged !== undefined) this.#write(charged, { failures: 0, tried_at: now }, now);
    for (const clientKey of new Set([keys.device, keys.address])) {
      if (clientKey === null || clientKey === charged?.clientKey) continue;
      const row = rows.find((other) => other.clientKey === clientKey);
      if (row === undefined) await this.#add(clientKey, { failures: 0, tried_at: now }, now);
      else if (now - row.known_at > day) this.#write(row, row, now);
    }
    this.ctx.storage.sql.exec(
      "delete from budgets where id in (select id from budgets where who <> ? order by known_at desc, id desc limit -1 offset ?)",
      unknownClients,
      maxKnown,
    );
  }

  /** Takes back an attempt whose password was not checked. */
  refund(budget: string): void {
    const charged = this.#rows().find(({ clientKey }) => clientKey === budget);
    if (charged !== undefined) this.#write(charged, withoutAttempt(charged), charged.known_at);
  }

  /** Deletes all budgets and the alarm. */
  async reset(): Promise<void> {
    this.#hasTable = false;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
  }

  override async alarm(): Promise<void> {
    await logAlarm(this.env, "SignInGate", () => this.prune());
  }

  /** Deletes expired budgets, and the whole storage if no budget is left. */
  async prune(): Promise<void> {
    const now = Date.now();
    const remaining = this.#rows().filter((row) => {
      const isExpired = row.clientKey === unknownClients ? failuresAt(row, now) === 0 : now - row.known_at > knownForMs;
      if (isExpired) this.ctx.storage.sql.exec("delete from budgets where id = ?", row.id);
      return !isExpired;
    });
    if (remaining.length === 0) {
      this.#hasTable = false;
      await this.ctx.storage.deleteAll();
      return;
    }
    const ends = remaining.map((row) => (row.clientKey === unknownClients ? resetsAt(row) : row.known_at + knownForMs));
    await this.ctx.storage.setAlarm(Math.max(Math.min(...ends), now + minAlarmMs));
  }

  #rows(): Row[] {
    if (!this.#hasTable) {
      this.ctx.storage.sql.exec(
        `create table if not exists budgets (
          id integer primary key,
          who text not null,
          failures real not null,
          tried_at integer not null,
          known_at integer not null
        )`,
      );
      this.#hasTable = true;
    }
    return this.ctx.storage.sql.exec<Row>("select id, who as clientKey, failures, tried_at, known_at from budgets").toArray();
  }

  async #add(clientKey: string, { failures, tried_at }: Budget, knownAt: number): Promise<void> {
    const values = [clientKey, failures, tried_at, knownAt];
    this.ctx.storage.sql.exec("insert into budgets (who, failures, tried_at, known_at) values (?, ?, ?, ?)", ...values);
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(tried_at + longestMemoryMs);
  }

  #write({ id }: Row, { failures, tried_at }: Budget, knownAt: number): void {
    const values = [failures, tried_at, knownAt, id];
    this.ctx.storage.sql.exec("update budgets set failures = ?, tried_at = ?, known_at = ? where id = ?", ...values);
  }
}
