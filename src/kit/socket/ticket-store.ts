import { AppError } from "../errors.ts";
import { ticketExpired, ticketLifeMs, type TicketClaims } from "./tickets.ts";

/** A device that was revoked can get tickets elsewhere for about two minutes more, until every copy of its session is stale. */
const revokedForMs = 2 * 60_000 + ticketLifeMs;

/** Stands for all devices, those that are not here among them. */
export const everyone = "*";

/**
 * Which tickets a Durable Object has seen, and which devices it admits no more: rows that are deleted once they say nothing that a
 * ticket does not. Reading creates nothing.
 */
export class TicketStore {
  readonly #sql: SqlStorage;
  #forgottenAt = -Infinity;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Uses a ticket up. One row written. @throws unauthenticated if it was used, has expired, or is a revoked device's */
  redeem({ jti, device, expires_at }: TicketClaims, now: number): void {
    if (expires_at <= now || expires_at - ticketLifeMs <= this.#forgottenAt) throw ticketExpired();
    if (this.#isRevoked(device, now)) throw new AppError("unauthenticated", "This device was signed out. Sign in again.");
    this.#sql.exec("create table if not exists burned_tickets (jti integer primary key, expires_at integer not null)");
    const burn = this.#sql.exec(
      "insert into burned_tickets values (?, ?) on conflict do nothing returning jti",
      jti,
      expires_at,
    );
    if (burn.toArray().length === 0) throw new AppError("unauthenticated", "This ticket was already used. Request a new one.");
  }

  /** Admits a device no more, or `everyone`. @returns until when that must be remembered */
  revoke(device: string, now: number): number {
    const until = now + revokedForMs;
    this.#sql.exec(
      "create table if not exists revoked_devices (id integer primary key, device text not null, until integer not null)",
    );
    this.#sql.exec("insert into revoked_devices (device, until) values (?, ?)", device, until);
    return until;
  }

  /** Its rows are deleted: no ticket that was issued until now is admitted, used or not. */
  rejectIssuedBefore(now: number): void {
    this.#forgottenAt = now;
  }

  /** Deletes what says nothing any more. @returns when all that is left will say nothing, if something is left */
  prune(now: number): number | undefined {
    const ends = [this.#pruneTable("burned_tickets", "expires_at", now), this.#pruneTable("revoked_devices", "until", now)];
    const latest = Math.max(...ends);
    return latest > now ? latest : undefined;
  }

  /** @returns when the last of its rows ends, or 0 */
  #pruneTable(table: string, end: string, now: number): number {
    if (!this.#has(table)) return 0;
    this.#sql.exec(`delete from ${table} where ${end} <= ?`, now);
    return this.#sql.exec<{ latest: number }>(`select coalesce(max(${end}), 0) as latest from ${table}`).one().latest;
  }

  #isRevoked(device: string, now: number): boolean {
    if (!this.#has("revoked_devices")) return false;
    const select = "select 1 from revoked_devices where device in (?, ?) and until > ?";
    return this.#sql.exec(select, device, everyone, now).toArray().length > 0;
  }

  #has(table: string): boolean {
    return this.#sql.exec("select 1 from sqlite_schema where name = ?", table).toArray().length > 0;
  }
}
