import { and, eq, inArray, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import type { Statement } from "../../kit/db/commit.ts";
import { costOf } from "./cost.ts";
import type { CallPurpose } from "../constants.ts";
import { pricesNow } from "./prices.ts";
import { externalModels, modelCalls } from "../tables.ts";
import type { UsageRecord } from "../gateway/usage-record.ts";

/** The user and the purpose of a model call. */
export type CalledFor = {
  userId: number;
  purpose: CallPurpose;
  externalModelId?: number | null;
  minionId?: number | null;
};

/** The statement that stores the usage and cost of a call, for the next commit. */
export function usageRow(
  ctx: Ctx,
  record: UsageRecord,
  { userId, purpose, externalModelId = null, minionId = null }: CalledFor,
): Statement {
  return ctx.db.insert(modelCalls).values({
    ...record,
    user_id: userId,
    // The row is written after the call, so the model may be deleted by then.
    external_model_id:
      externalModelId === null
        ? null
        : sql`(select ${externalModels.id} from ${externalModels} where ${eq(externalModels.id, externalModelId)})`,
    minion_id: minionId,
    purpose,
    cost_micro_usd: costOf(pricesNow(ctx), record),
  });
}

/** Counts a call for the line of its event in the log. */
export function countCall(ctx: Ctx, record: UsageRecord): void {
  const failed = record.attempts.filter(({ outcome }) => outcome !== "answered" && outcome !== "stopped");
  const failed_providers = failed.map(({ provider }) => provider);
  ctx.modelUsage.add({ ...record, cost_micro_usd: costOf(pricesNow(ctx), record), failed_providers });
}

/** The retention of calls, in days. A report spans at most a year. */
const retentionDays = 400;

/** The number of calls deleted per statement. */
const sweepBatch = 5_000;

/** Deletes calls older than 400 days. IDs ascend with time, so the oldest calls are found without a scan of the others. */
export async function sweepOldCalls({ db }: Pick<Ctx, "db">): Promise<void> {
  const first = db.select({ id: modelCalls.id }).from(modelCalls).orderBy(modelCalls.id).limit(sweepBatch);
  const isOld = sql`${modelCalls.created_at} < now() - make_interval(days => ${retentionDays})`;
  for (;;) {
    const { rowCount } = await db.delete(modelCalls).where(and(inArray(modelCalls.id, first), isOld));
    if (rowCount < sweepBatch) return;
  }
}
