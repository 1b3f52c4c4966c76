import { AppError } from "../errors.ts";
import { ticketExpired, ticketLifeMs, type TicketClaims } from "./tickets.ts";

/** A revoked device can get tickets for about two minutes more, until every cached copy of its session has expired. */
const revokedForMs = 2 * 60_000 + ticketLifeMs;

/** All devices, including those that are not connected. */
export const allDevices = "*";

/**
 * The used tickets and the revoked devices of a Durable Object. Rows are deleted when the tickets that they concern have expired.
 * Reading creates nothing.
 */
export class TicketStore {
  readonly #sql: SqlStorage;
  #forgottenAt = -Infinity;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Redeems a ticket. Writes one row. @throws unauthenticated if it was used, has expired, or is a revoked device's */
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

  /** Revokes a device, or `everyone`. @returns when the revocation expires */
  revoke(device: string, now: number): number {
    const until = now + revokedForMs;
    this.#sql.exec(
      "create table if not exists revoked_devices (id integer primary key, device text not null, until integer not null)",
    );
    this.#sql.exec("insert into revoked_devices (device, until) values (?, ?)", device, until);
    return until;
  }

  /** After its rows are deleted: rejects all tickets that were issued until now. */
  rejectIssuedBefore(now: number): void {
    this.#forgottenAt = now;
  }

  /** Deletes expired rows. @returns when the last remaining row expires, if there is one */
  prune(now: number): number | undefined {
    const ends = [this.#pruneTable("burned_tickets", "expires_at", now), this.#pruneTable("revoked_devices", "until", now)];
    const latest = Math.max(...ends);
    return latest > now ? latest : undefined;
  }

  /** @returns when its last row expires, or 0 */
  #pruneTable(table: string, end: string, now: number): number {
    if (!this.#has(table)) return 0;
    this.#sql.exec(`delete from ${table} where ${end} <= ?`, now);
    return this.#sql.exec<{ latest: number }>(`select coalesce(max(${end}), 0) as latest from ${table}`).one().latest;
  }

  #isRevoked(device: string, now: number): boolean {
    if (!this.#has("revoked_devices")) return false;
    const select = "select 1 from revoked_devices where device in (?, ?) and until > ?";
    return this.#sql.exec(select, device, allDevices, now).toArray().length > 0;
  }

  #has(table: string): boolean {
    return this.#sql.exec("select 1 from sqlite_schema where name = ?", table).toArray().length > 0;
  }
}
