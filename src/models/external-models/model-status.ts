import type { Ctx } from "../../context.ts";
import { listProviders } from "../providers/provider-list.ts";
import { toExternalModel, type ModelRow } from "../queries.ts";

/** Providers whose models need a base URL of their own. */
const needsBaseUrl: ReadonlySet<string> = new Set(["custom"]);

/** Whether a model has what its provider needs. No key is shown, and the provider is not called. */
export function modelStatus(ctx: Ctx, row: ModelRow) {
  const { provider, model_id, display_name, base_url, key_last_four } = toExternalModel(ctx, row);
  const known = listProviders(ctx).find(({ name }) => name === provider)!;
  const has_api_key = key_last_four !== null;
  const has_base_url = (base_url ?? known.base_url) !== null;
  const fields = { has_api_key, has_base_url, provider, model_id, minion_name: display_name };
  if (known.requires_api_key && !has_api_key) {
    return {
      status: "missing_api_key" as const,
      status_message: `${known.display_name} needs an API key. Add one.`,
      ...fields,
    };
  }
  if (!has_base_url && needsBaseUrl.has(provider)) {
    return { status: "incomplete" as const, status_message: "The model needs a base URL. Add one.", ...fields };
  }
  if (known.reason !== null) return { status: "incomplete" as const, status_message: known.reason, ...fields };
  return { status: "configured" as const, status_message: "The model has what its provider needs.", ...fields };
}
