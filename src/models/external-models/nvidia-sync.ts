import { and, eq } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commit, type Statement } from "../../kit/db/commit.ts";
import { toAppError } from "../../kit/db/errors.ts";
import { AppError } from "../../kit/errors.ts";
import { providerSettings } from "../providers/settings.ts";
import { ProviderError } from "../gateway/errors.ts";
import { mapLimited } from "../../kit/async/map-limited.ts";
import { openKey, sealedKeyColumns, type SealedKey } from "./api-keys.ts";
import type { ModelSummary } from "../constants.ts";
import { publicModelList, refreshModelList } from "../providers/model-list-cache.ts";
import { openProvider } from "../providers/registry.ts";
import { whereOwnModel, type ModelRow } from "../queries.ts";
import { updateAndRead, updateStatement } from "./service.ts";
import { externalModels } from "../tables.ts";

/** The number of concurrent list requests: an invocation has six connections. */
const concurrency = 5;

type Listed = { id: number; display_name: string; provider: string; model_id: string; base_url: string | null } & SealedKey;

const listed = {
  id: externalModels.id,
  display_name: externalModels.display_name,
  provider: externalModels.provider,
  model_id: externalModels.model_id,
  base_url: externalModels.base_url,
  ...sealedKeyColumns,
};

/**
 * Refreshes all NVIDIA models of a user from the lists of their NIM servers. Two round trips.
 * @returns by display name, whether each model was found; and the first error
 */
export async function syncNvidia(ctx: Ctx, userId: number) {
  const models: Listed[] = await ctx.db
    .select(listed)
    .from(externalModels)
    .where(and(eq(externalModels.user_id, userId), eq(externalModels.provider, "nvidia")));
  const lists = new Map<string, Promise<readonly ModelSummary[]>>();
  const results: Record<string, boolean> = {};
  const rows: Statement[] = [];
  let fault: string | undefined;
  await mapLimited(concurrency, models, async (model) => {
    results[model.display_name] = false;
    try {
      const summary = await findIn(ctx, userId, model, lists);
      rows.push(updateStatement(ctx, userId, model.id, fieldsFromList(summary)));
      results[model.display_name] = true;
    } catch (error) {
      const failure = toAppError(error, ctx.constraintErrors);
      if (failure === undefined) throw error;
      fault ??= failure.message;
    }
  });
  await refreshOpenList(
    ctx,
    models.filter(({ display_name }) => results[display_name]),
  );
  const [first, ...others] = rows;
  if (first !== undefined) await commit(ctx, [first, ...others]);
  return { results, models_synced: rows.length, fault };
}

/** Refreshes one NVIDIA model. Two round trips. @throws not_found; conflict for a model of another provider; ProviderError */
export async function syncNvidiaModel(ctx: Ctx, userId: number, modelId: number): Promise<ModelRow> {
  const [model]: Listed[] = await ctx.db.select(listed).from(externalModels).where(whereOwnModel(userId, modelId));
  if (model === undefined) throw new AppError("not_found", "You have no model with this ID.");
  if (model.provider !== "nvidia") throw new AppError("conflict", "Only NVIDIA models can be synced from the NIM list.");
  const summary = await findIn(ctx, userId, model, new Map());
  await refreshOpenList(ctx, [model]);
  return updateAndRead(ctx, userId, modelId, { rows: [updateStatement(ctx, userId, modelId, fieldsFromList(summary))] });
}

/** Also refreshes NVIDIA's public model list if a refreshed model uses NVIDIA's default URL. */
async function refreshOpenList(ctx: Ctx, refreshed: readonly Pick<Listed, "base_url">[]): Promise<void> {
  if (refreshed.some(({ base_url }) => base_url === null)) refreshModelList(ctx, publicModelList(ctx, "nvidia"));
}

/** Finds a model in the list of its server. @param lists the lists requested so far, by base URL and key */
async function findIn(
  ctx: Ctx,
  userId: number,
  model: Listed,
  lists: Map<string, Promise<readonly ModelSummary[]>>,
): Promise<ModelSummary> {
  const apiKey = await openKey(ctx, userId, model);
  const name = JSON.stringify([model.base_url, apiKey]);
  const request = lists.get(name) ?? listAt(ctx, userId, { apiKey, baseUrl: model.base_url });
  lists.set(name, request);
  const summary = (await request).find(({ model_id }) => model_id === model.model_id);
  if (summary === undefined) throw new ProviderError("model_missing", openProvider("nvidia"));
  return summary;
}

async function listAt(
  ctx: Ctx,
  userId: number,
  at: { apiKey: string | undefined; baseUrl: string | null },
): Promise<readonly ModelSummary[]> {
  return openProvider("nvidia").listModels(providerSettings(ctx, userId, at));
}

/** The columns of a model that a list provides. Missing ones stay unchanged. */
function fieldsFromList({ context_length, capabilities, parameters_billions, architecture }: ModelSummary) {
  return {
    capabilities: [...capabilities],
    ...(context_length === null ? {} : { context_length }),
    ...(parameters_billions === null ? {} : { parameters: `${parameters_billions}B` }),
    ...(architecture === null ? {} : { architecture }),
  };
}
