import type { ModelSummary } from "../models/constants.ts";
import { describeModel } from "../models/providers/registry.ts";
import { summaryOf, type DescribedModel } from "../models/queries.ts";

/** What is read of a minion to tell its model. */
export type OnModel = { model: string; external_model: DescribedModel | null };

/** The model that a minion is on; null where it is no more. */
export function modelOf({ model, external_model }: OnModel): ModelSummary | null {
  return external_model === null ? (describeModel(model) ?? null) : summaryOf(external_model);
}
