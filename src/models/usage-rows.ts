import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db.ts";
import { costOf } from "./cost.ts";
import type { CallPurpose } from "./kinds.ts";
import { pricesNow } from "./prices.ts";
import { modelCalls } from "./tables.ts";
import type { UsageRecord } from "./usage.ts";

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
    external_model_id: externalModelId,
    minion_id: minionId,
    purpose,
    cost_micro_usd: costOf(pricesNow(ctx), record),
  });
}
