import type { Ctx } from "../../context.ts";
import { AppError } from "../../kit/errors.ts";
import type { ProviderSettings } from "../providers/provider.ts";
import type { ProviderName } from "../providers/providers.ts";
import { providerSettings } from "../providers/settings.ts";
import { whereOwnModel } from "../queries.ts";
import { externalModels } from "../tables.ts";
import { keepQuirks } from "./keep-quirks.ts";
import { openKey, sealedKeyColumns } from "./api-keys.ts";

/** A model that can be called, with its provider and settings. */
export type ResolvedModel = {
  provider: ProviderName;
  modelId: string;
  settings: ProviderSettings;
  /** The ID of its row and the reference of its key; undefined for a model without a row. */
  row: { id: number; key_ref: string | null } | undefined;
};

/** Resolves a user's model so that it can be called. One round trip. @throws not_found; provider_not_configured if its key cannot be decrypted */
export async function resolveUserModel(ctx: Ctx, userId: number, modelId: number): Promise<ResolvedModel> {
  const { id, provider, model_id, base_url, quirks } = externalModels;
  const [found] = await ctx.db
    .select({ id, provider, model_id, base_url, quirks, ...sealedKeyColumns })
    .from(externalModels)
    .where(whereOwnModel(userId, modelId));
  if (found === undefined) throw new AppError("not_found", "You have no model with this ID.");
  const apiKey = await openKey(ctx, userId, found);
  return {
    provider: found.provider,
    modelId: found.model_id,
    settings: {
      ...providerSettings(ctx, userId, { apiKey, baseUrl: found.base_url }),
      quirks: found.quirks,
      onQuirks: (more) => keepQuirks(ctx, userId, found.id, more),
    },
    row: { id: found.id, key_ref: found.key_ref },
  };
}
