import type { ModelSummary } from "../models/constants.ts";
import { describeModel } from "../models/providers/registry.ts";
import { summarizeModel, type DescribedModel } from "../models/queries.ts";

/** The columns that determine a minion's model. */
export type OnModel = { model: string; external_model: DescribedModel | null };

/** The model of a minion; null if it no longer exists. */
export function minionModelSummary({ model, external_model }: OnModel): ModelSummary | null {
  return external_model === null ? (describeModel(model) ?? null) : summarizeModel(external_model);
}
