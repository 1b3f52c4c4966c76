import listed from "../../seed/prices.json" with { type: "json" };
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db.ts";
import { costOf, type Price } from "./cost.ts";
import type { CallPurpose } from "./kinds.ts";
import { modelCalls } from "./tables.ts";
import type { UsageRecord } from "./usage.ts";

/** A test reads the file with `Price`: here it is taken at its word. */
const prices = listed as unknown as readonly Price[];

/** For whom a model was called, and for what. */
export type CalledFor = {
  userId: number;
  purpose: CallPurpose;
  externalModelId?: number | null;
  minionId?: number | null;
};

/** The statement that keeps what a call used and cost, for whatever commit follows it. */
export function usageRow(
  { db }: Pick<Ctx, "db">,
  record: UsageRecord,
  { userId, purpose, externalModelId = null, minionId = null }: CalledFor,
): Statement {
  return db.insert(modelCalls).values({
    ...record,
    user_id: userId,
    external_model_id: externalModelId,
    minion_id: minionId,
    purpose,
    cost_micro_usd: costOf(prices, record),
  });
}
