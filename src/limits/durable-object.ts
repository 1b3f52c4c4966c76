import { DurableObject } from "cloudflare:workers";
import { withFailure, failuresAt, resetsAt, longestMemoryMs, waitMs, withoutAttempt, type Budget } from "./rules.ts";

/** By what an attempt can be recognised, as hashes: the device that it came from, and the address. */
export type SignInKeys = { device: string | null; address: string | null };

/** Whether an attempt may go on, and in whose budget. */
export type Admission = { admitted: true; budget: string } | { admitted: false; retryAfterSeconds: number };

type Row = Budget & {
  id: number;
  /** Hash of a device or address that signed in before; empty for all others together. */
  clientKey: string;
  /** When it last signed in, in milliseconds since the epoch; 0 for strangers. */
  known_at: number;
};

const unknownClients = "";
const day = 24 * 60 * 60_000;
const knownForMs = 90 * day;
const maxKnown = 20;

/** Alarms cost a row: they are at least this far apart, in milliseconds. */
const minAlarmMs = 60 * 60_000;

/**
 * Slows the sign-ins of one identifier, whether it has an account or not. Whoever signed in before has a budget of its own.
 * An attempt counts as failed from the moment it is admitted, so that attempts in parallel are all counted.
 * Few rows, no index and no rewriting of what is still true: rows written are what an object costs.
 */
export class SignInGate extends DurableObject {
  #hasTable = false;

  /** Admits an attempt and counts it, or tells how long to wait; a refused attempt changes nothing. */
  async attempt(keys: SignInKeys): Promise<Admission> {
    const now = Date.now();
    const rows = this.#rows();
    const find = (who: string | null) => rows.find((row) => row.clientKey === who);
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
   * Takes back the attempt that `budget` was charged for, and knows the device and the address from now on.
   * A budget of its own is cleared; the failures of strangers are not the owner's to clear.
   */
  async recordSuccess(budget: string | null, keys: SignInKeys): Promise<void> {
    const now = Date.now();
    const rows = this.#rows();
    const charged = rows.find(({ clientKey: who }) => who === budget);
    if (charged?.clientKey === unknownClients) this.#write(charged, withoutAttempt(charged), 0);
    else if (charged !== undefined) this.#write(charged, { failures: 0, tried_at: now }, now);
    for (const who of new Set([keys.device, keys.address])) {
      if (who === null || who === charged?.clientKey) continue;
      const row = rows.find((other) => other.clientKey === who);
      if (row === undefined) await this.#add(who, { failures: 0, tried_at: now }, now);
      else if (now - row.known_at > day) this.#write(row, row, now);
    }
    this.ctx.storage.sql.exec(
      "delete from budgets where id in (select id from budgets where who <> ? order by known_at desc, id desc limit -1 offset ?)",
      unknownClients,
      maxKnown,
    );
  }

  /** Takes back an attempt whose password nobody looked at. */
  refund(budget: string): void {
    const charged = this.#rows().find(({ clientKey: who }) => who === budget);
    if (charged !== undefined) this.#write(charged, withoutAttempt(charged), charged.known_at);
  }

  /** Forgets everything, as if nobody had ever tried. */
  async reset(): Promise<void> {
    this.#hasTable = false;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
  }

  override async alarm(): Promise<void> {
    await this.prune();
  }

  /** Forgets what says nothing any more, and the whole object when nothing is left. */
  async prune(): Promise<void> {
    const now = Date.now();
    const left = this.#rows().filter((row) => {
      const isOver = row.clientKey === unknownClients ? failuresAt(row, now) === 0 : now - row.known_at > knownForMs;
      if (isOver) this.ctx.storage.sql.exec("delete from budgets where id = ?", row.id);
      return !isOver;
    });
    if (left.length === 0) {
      this.#hasTable = false;
      await this.ctx.storage.deleteAll();
      return;
    }
    const ends = left.map((row) => (row.clientKey === unknownClients ? resetsAt(row) : row.known_at + knownForMs));
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

  async #add(who: string, { failures, tried_at }: Budget, knownAt: number): Promise<void> {
    const values = [who, failures, tried_at, knownAt];
    this.ctx.storage.sql.exec("insert into budgets (who, failures, tried_at, known_at) values (?, ?, ?, ?)", ...values);
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(tried_at + longestMemoryMs);
  }

  #write({ id }: Row, { failures, tried_at }: Budget, knownAt: number): void {
    const values = [failures, tried_at, knownAt, id];
    this.ctx.storage.sql.exec("update budgets set failures = ?, tried_at = ?, known_at = ? where id = ?", ...values);
  }
}
