import { sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { WorkMeter } from "../../kit/async/work-meter.ts";
import { commit, commitOnce, commitProgress } from "../../kit/db/commit.ts";
import { outbox } from "../../kit/db/tables.ts";
import { enqueueRows, enqueueJob } from "../../kit/queue/outbox.ts";
import { indexMessages } from "../job-definitions.ts";
import { messageTerms } from "../message-terms.ts";
import { messages } from "../tables.ts";

/** The limits of one job before it enqueues the next: the time in ms, and the messages and characters of a commit. */
const slice = { ms: 60_000, messages: 200, characters: 400_000 };

const withoutTerms = sql`${messages.terms} is null`;

/** Enqueues the indexing of messages that an earlier version wrote, unless there are none, or it is enqueued already. */
export async function enqueueMessageIndexing(ctx: Ctx): Promise<void> {
  const job = sql`
    select ${indexMessages.name}::text, '{}'::jsonb, null::int, ${ctx.requestId}::text
    where exists (select from ${messages} where ${withoutTerms})
      and not exists (select from ${outbox} where ${outbox.name} = ${indexMessages.name})`;
  await commit(ctx, [enqueueRows(ctx, job)]);
}

/** Writes the terms of messages without them, slice by slice. Each commit is final, so an interrupted job repeats little. */
export async function indexOlderMessages(ctx: Ctx, limits = slice): Promise<void> {
  const end = performance.now() + limits.ms;
  const work = new WorkMeter();
  for (;;) {
    const { rows } = await ctx.db.execute<{ id: number; text: string }>(sql`
      select id::float8 as id, text from (
        select id, text, sum(length(text)) over (order by user_id, id) - length(text) as before
        from (select user_id, id, text from ${messages} where ${withoutTerms} order by user_id, id limit ${limits.messages}) first) few
      where before < ${limits.characters}`);
    if (rows.length === 0) return;
    const found: { id: number; terms: string }[] = [];
    for (const { id, text } of rows) found.push({ id, terms: await messageTerms(text, work) });
    // A message that was removed or edited meanwhile has its terms.
    const update = ctx.db.execute(sql`
      update ${messages} set terms = found.terms::tsvector
      from json_to_recordset(${JSON.stringify(found)}::json) as found(id bigint, terms text)
      where ${messages.id} = found.id and ${withoutTerms}`);
    if (performance.now() >= end) {
      await commitOnce(ctx, [update, enqueueJob(ctx, indexMessages, {})]);
      return;
    }
    await commitProgress(ctx, [update]);
  }
}
