/** What a day's budget counts: turns of a conversation, and tokens. */
export type Spending = { turns: number; tokens: number };

/** What somebody may spend in a day, and until when that is believed, in milliseconds since the epoch. */
export type DayLimits = Spending & { until: number };

/** A wish to spend. The same `id` is granted once, however often it is sent. */
export type SpendingClaim = {
  id: string;
  amount: Spending;
  /** What anybody may spend, which holds where nothing better is known. */
  floor: Spending;
  /** What this one may spend, where that was looked up: it is remembered. */
  limits?: DayLimits;
};

/** Whether a wish was granted; if not, of what there is too little. */
export type Granted = { lacking: keyof Spending | null; limits: Spending; used: Spending };

type State = { used: Spending; held: Record<string, Spending>; limits?: DayLimits };

const dayMs = 86_400_000;

/** When the UTC day of a moment ends, in milliseconds since the epoch. */
export function endOfDay(now: number): number {
  return (Math.floor(now / dayMs) + 1) * dayMs;
}

/**
 * What was spent of a budget that begins anew at 00:00 UTC, in one row of a Durable Object. What is taken is spent until it is settled:
 * so calls at once cannot exceed it, and one that is never settled counts as the most it could be. Reading creates nothing.
 */
export class DayBudget {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Takes what is to be spent, all or nothing. One row written, where it is granted. */
  take({ id, amount, floor, limits: given }: SpendingClaim, now: number): Granted {
    const state = this.#today(now);
    const known = given ?? state.limits;
    const { turns, tokens } = known !== undefined && known.until > now ? known : floor;
    const limits = { turns, tokens };
    if (id in state.held) return { lacking: null, limits, used: state.used };
    const used = plus(state.used, amount);
    const lacking = used.turns > turns ? "turns" : used.tokens > tokens ? "tokens" : null;
    if (lacking !== null) return { lacking, limits, used: state.used };
    this.#write({ used, held: { ...state.held, [id]: amount }, ...(known === undefined ? {} : { limits: known }) }, now);
    return { lacking: null, limits, used };
  }

  /** Says what was spent of what was taken; once, and on the same day. One row written. */
  settle(id: string, spent: Spending, now: number): void {
    const { used, held, ...kept } = this.#today(now);
    const { [id]: taken, ...others } = held;
    if (taken === undefined) return;
    const given = { turns: spent.turns - taken.turns, tokens: spent.tokens - taken.tokens };
    this.#write({ ...kept, used: plus(used, given), held: others }, now);
  }

  /** What was spent today, with what is taken and not settled. */
  used(now: number): Spending {
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
    return row === undefined || row.ends_at <= now
      ? { used: { turns: 0, tokens: 0 }, held: {} }
      : (JSON.parse(row.state) as State);
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

function plus(a: Spending, b: Spending): Spending {
  return { turns: a.turns + b.turns, tokens: a.tokens + b.tokens };
}
