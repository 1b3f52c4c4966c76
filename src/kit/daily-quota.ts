/** What a day's budget counts, by its unit. */
export type Amounts = Readonly<Record<string, number>>;

/** What somebody may spend in a day, and until when that is believed, in milliseconds since the epoch. */
export type DayLimits = Amounts & { readonly until: number };

/** A wish to spend. The same `id` is granted once, however often it is sent. */
export type QuotaRequest = {
  id: string;
  amount: Amounts;
  /** What anybody may spend, which holds where nothing better is known. It names every unit that is limited. */
  floor: Amounts;
  /** What this one may spend, where that was looked up: it is remembered. */
  limits?: DayLimits;
};

/** Whether a wish was granted; if not, the unit of which there is too little. */
export type QuotaGrant = { exhausted: string | null; limits: Amounts; used: Amounts };

type State = { used: Amounts; held: Record<string, Amounts>; limits?: DayLimits };

const dayMs = 86_400_000;

/** When the UTC day of a moment ends, in milliseconds since the epoch. */
export function endOfDay(now: number): number {
  return (Math.floor(now / dayMs) + 1) * dayMs;
}

/**
 * What was spent of a budget that begins anew at 00:00 UTC, in one row of a Durable Object. What is taken is spent until it is settled:
 * so calls at once cannot exceed it, and one that is never settled counts as the most it could be. Reading creates nothing.
 */
export class DailyQuota {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Takes what is to be spent, all or nothing. One row written, where it is granted. */
  take({ id, amount, floor, limits: given }: QuotaRequest, now: number): QuotaGrant {
    const state = this.#today(now);
    const known = given ?? state.limits;
    const units = Object.keys(floor);
    const limits = only(units, known !== undefined && known.until > now ? known : floor);
    if (id in state.held) return { exhausted: null, limits, used: only(units, state.used) };
    const used = plus(state.used, amount);
    const lacking = units.find((unit) => (used[unit] ?? 0) > limits[unit]!) ?? null;
    if (lacking !== null) return { exhausted: lacking, limits, used: only(units, state.used) };
    this.#write({ used, held: { ...state.held, [id]: amount }, ...(known === undefined ? {} : { limits: known }) }, now);
    return { exhausted: null, limits, used: only(units, used) };
  }

  /** Says what was spent of what was taken; once, and on the same day. One row written. */
  settle(id: string, spent: Amounts, now: number): void {
    const { used, held, ...kept } = this.#today(now);
    const { [id]: taken, ...others } = held;
    if (taken === undefined) return;
    this.#write({ ...kept, used: plus(minus(used, taken), spent), held: others }, now);
  }

  /** What was spent today, with what is taken and not settled. A unit of which nothing was taken is absent. */
  used(now: number): Amounts {
    return this.#today(now).used;
  }

  /** When what it holds says nothing any more; undefined where it holds nothing. */
  endsAt(): number | undefined {
    return this.#row()?.ends_at;
  }

  /** Deletes what says nothing any more. */
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

/** The amounts of these units, 0 where one is absent. */
function only(units: readonly string[], amounts: Amounts): Amounts {
  return Object.fromEntries(units.map((unit) => [unit, amounts[unit] ?? 0]));
}

function plus(a: Amounts, b: Amounts): Amounts {
  return { ...a, ...Object.fromEntries(Object.entries(b).map(([unit, amount]) => [unit, (a[unit] ?? 0) + amount])) };
}

function minus(a: Amounts, b: Amounts): Amounts {
  return plus(a, Object.fromEntries(Object.entries(b).map(([unit, amount]) => [unit, -amount])));
}
