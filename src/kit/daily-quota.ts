/** Amounts by unit. */
export type Amounts = Readonly<Record<string, number>>;

/** The daily limits of a user, and when this cached value expires, in milliseconds since the epoch. */
export type DayLimits = Amounts & { readonly until: number };

/** A request to reserve amounts. Repeated requests with the same `id` are counted once. */
export type QuotaRequest = {
  id: string;
  amount: Amounts;
  /** The default limits, used if the limits of the user are not known. It names every limited unit. */
  floor: Amounts;
  /** The limits of the user, if they were looked up. They are stored. */
  limits?: DayLimits;
};

/** The result of a request: `exhausted` is null if it was granted, else the unit that is used up. */
export type QuotaGrant = { exhausted: string | null; limits: Amounts; used: Amounts };

type State = { used: Amounts; held: Record<string, Amounts>; limits?: DayLimits };

const dayMs = 86_400_000;

/** When the UTC day of a moment ends, in milliseconds since the epoch. */
export function endOfDay(now: number): number {
  return (Math.floor(now / dayMs) + 1) * dayMs;
}

/**
 * A quota that resets at 00:00 UTC, in one row of a Durable Object. A reserved amount counts as used until it is settled, so concurrent
 * calls cannot exceed the quota, and an unsettled call counts with its maximum. Reading creates nothing.
 */
export class DailyQuota {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Reserves all amounts or none. Writes one row if granted. */
  take({ id, amount, floor, limits: currentLimits }: QuotaRequest, now: number): QuotaGrant {
    const state = this.#today(now);
    const known = currentLimits ?? state.limits;
    const units = Object.keys(floor);
    const limits = only(units, known !== undefined && known.until > now ? known : floor);
    if (id in state.held) return { exhausted: null, limits, used: only(units, state.used) };
    const used = plus(state.used, amount);
    const exhaustedUnit = units.find((unit) => (used[unit] ?? 0) > limits[unit]!) ?? null;
    if (exhaustedUnit !== null) return { exhausted: exhaustedUnit, limits, used: only(units, state.used) };
    this.#write({ used, held: { ...state.held, [id]: amount }, ...(known === undefined ? {} : { limits: known }) }, now);
    return { exhausted: null, limits, used: only(units, used) };
  }

  /** Replaces a reserved amount with the amount that was used; once, and on the same day. Writes one row. */
  settle(id: string, spent: Amounts, now: number): void {
    const { used, held, ...state } = this.#today(now);
    const { [id]: reserved, ...others } = held;
    if (reserved === undefined) return;
    this.#write({ ...state, used: plus(minus(used, reserved), spent), held: others }, now);
  }

  /** The amounts that were used today, including unsettled reservations. A unit without use is absent. */
  used(now: number): Amounts {
    return this.#today(now).used;
  }

  /** When the stored row expires; undefined without a row. */
  endsAt(): number | undefined {
    return this.#row()?.ends_at;
  }

  /** Deletes the row if it has expired. */
  prune(now: number): void {
    if ((this.endsAt() ?? Infinity) <= now) this.#sql.exec("delete from day_budget");
  }

  #today(now: number): State {
    const row = this.#row();
    return row === undefined || row.ends_at <= now ? { used: {}, held: {} } : (JSON.parse(row.state) as State);
  }

  #row() {
    if (this.#sql.exec("select 1 from sqlite_schema where name = 'day_budget'").toArray().length === 0) return undefined;
    return this.#sql.exec<{ ends_at: number; state: string }>("select ends_at, state from day_budget").toArray()[0];
  }

  #write(state: State, now: number): void {
    this.#sql.exec(
      "create table if not exists day_budget (id integer primary key, ends_at integer not null, state text not null)",
    );
    this.#sql.exec("insert or replace into day_budget values (1, ?, ?)", endOfDay(now), JSON.stringify(state));
  }
}

/** The amounts of these units; 0 for an absent one. */
function only(units: readonly string[], amounts: Amounts): Amounts {
  return Object.fromEntries(units.map((unit) => [unit, amounts[unit] ?? 0]));
}

function plus(a: Amounts, b: Amounts): Amounts {
  return { ...a, ...Object.fromEntries(Object.entries(b).map(([unit, amount]) => [unit, (a[unit] ?? 0) + amount])) };
}

function minus(a: Amounts, b: Amounts): Amounts {
  return plus(a, Object.fromEntries(Object.entries(b).map(([unit, amount]) => [unit, -amount])));
}
