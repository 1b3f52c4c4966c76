import { and, eq, inArray, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import type { Statement } from "../../kit/db/commit.ts";
import { costOf } from "./cost.ts";
import type { CallPurpose } from "../constants.ts";
import { pricesNow } from "./prices.ts";
import { externalModels, modelCalls } from "../tables.ts";
import type { UsageRecord } from "../gateway/usage-record.ts";

/** For whom a model was called, and for what. */
export type CalledFor = {
  userId: number;
  purpose: CallPurpose;
  externalModelId?: number | null;
  minionId?: number | null;
};

/** The statement that keeps what a call used and cost, for whatever commit follows it. */
export function usageRow(
  ctx: Ctx,
  record: UsageRecord,
  { userId, purpose, externalModelId = null, minionId = null }: CalledFor,
): Statement {
  return ctx.db.insert(modelCalls).values({
    ...record,
    user_id: userId,
    // Written later than it was used: the model may be deleted by then.
    external_model_id:
      externalModelId === null
        ? null
        : sql`(select ${externalModels.id} from ${externalModels} where ${eq(externalModels.id, externalModelId)})`,
    minion_id: minionId,
    purpose,
    cost_micro_usd: costOf(pricesNow(ctx), record),
  });
}

/** How long a call is kept: a report spans a year at most. */
const keptDays = 400;

/** How many calls are deleted at once. */
const sweepBatch = 5_000;

/** Deletes calls of more than 400 days ago. They were numbered as they came, so the oldest are found without a look at the others. */
export async function sweepOldCalls({ db }: Pick<Ctx, "db">): Promise<void> {
  const first = db.select({ id: modelCalls.id }).from(modelCalls).orderBy(modelCalls.id).limit(sweepBatch);
  const isOld = sql`${modelCalls.created_at} < now() - make_interval(days => ${keptDays})`;
  for (;;) {
    const { rowCount } = await db.delete(modelCalls).where(and(inArray(modelCalls.id, first), isOld));
    if (rowCount < sweepBatch) return;
  }
}
