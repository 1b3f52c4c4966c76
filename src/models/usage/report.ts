import { and, eq, gte, lt, sql, type SQL, type SQLWrapper } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { validationError } from "../../kit/errors.ts";
import type { Grouping, UsageQuery } from "../schemas.ts";
import { modelCalls } from "../tables.ts";

const dayMs = 86_400_000;
const defaultDays = 30;
const maxDays = 366;
const maxGroups = 1_000;

/** The SQL expression of each grouping, as text. */
const groupings: Record<Grouping, SQL<string | null>> = {
  model: sql<string>`${modelCalls.provider} || '/' || ${modelCalls.model_id}`,
  minion: sql<string | null>`${modelCalls.minion_id}::text`,
  day: sql<string>`((${modelCalls.created_at} at time zone 'utc')::date)::text`,
  provider: sql<string>`${modelCalls.provider}`,
};

const sum = (what: SQLWrapper) => sql<number>`coalesce(sum(${what}), 0)::float8`;

const sums = {
  calls: sql<number>`count(*)::int`,
  failed_calls: sql<number>`(count(*) filter (where ${modelCalls.outcome} = 'failed'))::int`,
  input_tokens: sum(modelCalls.input_tokens),
  output_tokens: sum(modelCalls.output_tokens),
  cache_read_tokens: sum(modelCalls.cache_read_tokens),
  cache_write_tokens: sum(modelCalls.cache_write_tokens),
  cost_usd: sql<number>`(coalesce(sum(${modelCalls.cost_micro_usd}), 0) / 1000000)::float8`,
  unpriced_calls: sql<number>`(count(*) filter (where ${modelCalls.cost_micro_usd} is null))::int`,
};

/**
 * Reports the usage and cost of a user's calls, by UTC days; by default the last 30. One round trip.
 * @throws validation_failed for a negative span, or one longer than 366 days
 */
export async function reportUsage(ctx: Ctx, userId: number, query: UsageQuery) {
  const { from, to } = spanOf(query);
  const inSpan = and(
    eq(modelCalls.user_id, userId),
    gte(modelCalls.created_at, sql`${from}::date::timestamp at time zone 'utc'`),
    lt(modelCalls.created_at, sql`(${to}::date + 1)::timestamp at time zone 'utc'`),
  );
  const key = groupings[query.group_by];
  const [usage, [totals]] = await ctx.db.batch([
    ctx.db
      .select({ key: sql<string | null>`${key}`, ...sums })
      .from(modelCalls)
      .where(inSpan)
      .groupBy(sql`1`)
      .orderBy(query.group_by === "day" ? sql`1` : sql`count(*) desc, 1`)
      .limit(maxGroups),
    ctx.db.select(sums).from(modelCalls).where(inSpan),
  ]);
  return { usage, total: usage.length, totals: totals!, from, to, group_by: query.group_by };
}

function spanOf({ from: start, to = new Date().toISOString().slice(0, 10) }: UsageQuery): { from: string; to: string } {
  const from = start ?? new Date(Date.parse(to) - (defaultDays - 1) * dayMs).toISOString().slice(0, 10);
  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  if (days >= 1 && days <= maxDays) return { from, to };
  const message = days < 1 ? "must not be after `to`" : `must be at most ${maxDays} days before \`to\``;
  throw validationError([{ path: "from", in: "query", message }]);
}
