import { sql, type SQL } from "drizzle-orm";
import { finalStatuses } from "../agent/constants.ts";
import { sessions, users } from "../auth/tables.ts";
import { writeSetAsideEntry } from "../chat/job-definitions.ts";
import { conversations, messages } from "../chat/tables.ts";
import type { Ctx } from "../context.ts";
import { failedJobs, outbox } from "../kit/db/tables.ts";
import { sendMail } from "../kit/mail.ts";
import { modelCalls } from "../models/tables.ts";
import type { Overview } from "./schemas.ts";

const today = sql`date_trunc('day', now() at time zone 'utc') at time zone 'utc'`;

/** Turns by outcome, of answers since a moment. */
const turnsSince = (since: SQL): SQL => {
  const counts = finalStatuses.map(
    (status) => sql`${sql.raw(`'${status}'`)}, count(*) filter (where status = ${status} and created_at >= ${since})`,
  );
  return sql`(select json_build_object(${sql.join(counts, sql`, `)}) from recent_messages where role = 'assistant')`;
};

/** The operator pays for Workers AI, and for the models of their own Ollama server, which are no user's connections. */
const isOperatorPaid = sql`(provider = 'workers-ai' or provider = 'ollama' and external_model_id is null)`;

const tokens = (column: string): SQL => sql`coalesce(sum(${sql.raw(column)}), 0)`;

/**
 * Reads the figures of the service from its tables, in one round trip. It counts all users and unexpired sessions in an index each, and
 * reads the messages and model calls of the last 24 hours through their block range indexes.
 */
export async function readOverview(ctx: Ctx): Promise<Overview> {
  const { rows } = await ctx.db.execute<Omit<Overview, "at">>(sql`
    with recent_messages as materialized (
      select role, status, created_at from ${messages} where created_at >= now() - interval '24 hours'),
    recent_calls as materialized (
      select * from ${modelCalls} where created_at >= now() - interval '24 hours'),
    calls_of_today as (select * from recent_calls where created_at >= ${today}),
    failures as (
      select attempt ->> 'provider' as provider, attempt ->> 'outcome' as reason, count(*) as number
      from recent_calls, jsonb_array_elements(attempts) attempt
      where attempt ->> 'outcome' not in ('answered', 'stopped') group by 1, 2),
    failed_attempts as (
      select provider, sum(number) as number, jsonb_object_agg(reason, number) as by_reason from failures group by 1),
    calls as (select provider, count(*) as number from recent_calls group by 1)
    select
      json_build_object('total', (select count(*) from ${users}),
        'new_today', (select count(*) from ${users} where created_at >= ${today})) as users,
      (select json_build_object('active', count(*)) from ${sessions} where expires_at > now()) as sessions,
      (select json_build_object('new_today', count(*)) from ${conversations} where created_at >= ${today}) as conversations,
      (select json_build_object('today', count(*)) from recent_messages where created_at >= ${today}) as messages,
      json_build_object('last_hour', ${turnsSince(sql`now() - interval '1 hour'`)},
        'last_24_hours', ${turnsSince(sql`now() - interval '24 hours'`)}) as turns,
      (select coalesce(json_agg(json_build_object('provider', provider, 'calls', coalesce(c.number, 0),
        'failed_attempts', coalesce(f.number, 0), 'failures', coalesce(f.by_reason, '{}'))
        order by coalesce(f.number, 0) desc, c.number desc, provider), '[]')
        from calls c full join failed_attempts f using (provider)) as providers,
      (select json_build_object('calls', count(*), 'input_tokens', ${tokens("input_tokens")},
        'output_tokens', ${tokens("output_tokens")}, 'cached_tokens', ${tokens("cache_read_tokens")},
        'cost_usd', (coalesce(sum(cost_micro_usd), 0) / 1000000)::float8,
        'unpriced_calls', count(*) filter (where cost_micro_usd is null)) from calls_of_today) as usage_today,
      (select json_build_object('users', count(distinct user_id), 'calls', count(*),
        'tokens', ${tokens("input_tokens + output_tokens")}) from calls_of_today where ${isOperatorPaid}) as allowances_today,
      (select json_build_object('waiting', count(*),
        'running', count(*) filter (where lease is not null and due_at > now()), 'overdue', count(*) filter (where due_at < now()),
        'oldest_seconds', greatest(coalesce(extract(epoch from now() - min(created_at)), 0), 0)::int,
        'failed', (select count(*) from ${failedJobs} where name <> ${writeSetAsideEntry.name})) from ${outbox}) as jobs,
      json_build_object('set_aside', (select count(*) from ${failedJobs} where name = ${writeSetAsideEntry.name})) as rooms,
      json_build_object('waiting', (select count(*) from ${outbox} where name = ${sendMail.name}),
        'failed', (select count(*) from ${failedJobs} where name = ${sendMail.name})) as mails`);
  return { at: new Date(), ...rows[0]! };
}
