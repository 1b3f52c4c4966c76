import { sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { enqueueJobsFrom } from "../../kit/queue/outbox.ts";
import { temporaryHours } from "../constants.ts";
import { eraseConversation } from "../job-definitions.ts";
import { lastActivityAt } from "../queries.ts";
import { conversations } from "../tables.ts";

/** Conversations deleted per statement. */
const batch = 500;

/** Deletes the temporary conversations whose last activity is over for a while. Jobs erase their rooms and files. */
export async function deleteExpiredConversations(ctx: Ctx): Promise<void> {
  while ((await deleteBatch(ctx)) === batch);
}

async function deleteBatch(ctx: Ctx): Promise<number> {
  const { id, user_id, temporary } = conversations;
  const jobs = sql`select jsonb_build_object('conversation_id', id, 'user_id', user_id), user_id from expired`;
  const { rows } = await ctx.db.execute(sql`
    with expired as (
      select ${id}, ${user_id} from ${conversations}
      where ${temporary} and ${lastActivityAt} < now() - make_interval(hours => ${temporaryHours}) limit ${batch} for update skip locked
    ), enqueued as (${enqueueJobsFrom(ctx, eraseConversation, jobs)})
    delete from ${conversations} where ${id} in (select id from expired) returning ${id}`);
  return rows.length;
}
