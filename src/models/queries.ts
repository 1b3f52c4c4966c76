import { and, eq, getTableColumns, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import { pictureUrl } from "../kit/storage/avatars.ts";
import type { ModelSummary } from "./constants.ts";
import { kindByName, summarize } from "./providers/list-models.ts";
import { identityOf } from "./providers/registry.ts";
import type { ExternalModel } from "./schemas.ts";
import { externalModels } from "./tables.ts";

const { key_sealed: _sealed, key_ref: _ref, ...shown } = getTableColumns(externalModels);

/** The public columns of models, without keys. */
export const publicColumns = shown;

/** The condition that selects one model of a user. */
export function whereOwnModel(userId: number, modelId: number | SQL): SQL {
  return and(eq(externalModels.user_id, userId), sql`${externalModels.id} = ${modelId}`)!;
}

/** Selects a user's models that match a condition. */
export function selectModels(ctx: Ctx, userId: number, condition?: SQL) {
  return ctx.db
    .select({ ...shown, gained: ctx.hooks.modelExperience(sql`${externalModels.id}`) })
    .from(externalModels)
    .where(and(eq(externalModels.user_id, userId), condition));
}

export type ModelRow = Awaited<ReturnType<typeof selectModels>>[number];

/** Converts a row to the model that clients see. */
export function toExternalModel(
  ctx: Ctx,
  { gained, user_id: _owner, avatar_key, parameters, ...columns }: ModelRow,
): ExternalModel {
  const experience = gained.training + gained.usage;
  const { level, rank, rank_level, xp_to_next_level } = ctx.hooks.levelForExperience(experience);
  return {
    ...columns,
    provider_display_name: identityOf(columns.provider).display_name,
    parameters: restoreParameters(parameters),
    experience,
    level,
    rank,
    rank_level,
    xp_to_next_level,
    total_training_xp: gained.training,
    total_usage_xp: gained.usage,
    avatar_url: pictureUrl(avatar_key),
    type: "external_api",
  };
}

/** Restores a text that the driver has parsed as JSON. */
function restoreParameters(parameters: unknown): ExternalModel["parameters"] {
  if (parameters === null || typeof parameters === "string") return parameters;
  const isObject = typeof parameters === "object" && !Array.isArray(parameters);
  return isObject ? (parameters as Record<string, unknown>) : JSON.stringify(parameters);
}

/** The columns of a model that its summary needs. */
export type DescribedModel = Pick<
  ModelRow,
  "provider" | "model_id" | "display_name" | "parameters" | "context_length" | "capabilities" | "architecture"
>;

/** A SQL expression with the described columns of a model. */
export function modelSummarySql(modelId: SQL): SQL<DescribedModel | null> {
  const { provider, model_id, display_name, parameters, context_length, capabilities, architecture, id } = externalModels;
  // The nested `sql` keeps the table names of the columns.
  return sql<DescribedModel | null>`(${sql`
    select json_build_object('provider', ${provider}, 'model_id', ${model_id}, 'display_name', ${display_name},
      'parameters', ${parameters}, 'context_length', ${context_length}, 'capabilities', ${capabilities},
      'architecture', ${architecture})
    from ${externalModels} where ${id} = ${modelId}`})`;
}

/** Summarizes a user's model. */
export function summarizeModel(described: DescribedModel): ModelSummary {
  const { provider, model_id, display_name, parameters, context_length, capabilities, architecture } = described;
  const billions = billionsIn(parameters);
  return summarize(identityOf(provider), {
    model_id,
    display_name,
    kind: capabilities.includes("embedding") || kindByName(model_id) === "embedding" ? "embedding" : "language",
    context_length,
    capabilities,
    architecture,
    supports_tools: capabilities.includes("tools"),
    ...(billions === null ? {} : { parameters_billions: billions }),
  });
}

/** Parses a model size: `70B`, `350M`, or an object with Ollama's `parameter_size` or our `parameters_billions`. */
function billionsIn(parameters: unknown): number | null {
  if (typeof parameters === "object" && parameters !== null) {
    const { parameters_billions, parameter_size } = parameters as Record<string, unknown>;
    return typeof parameters_billions === "number" ? parameters_billions : billionsIn(parameter_size);
  }
  if (typeof parameters !== "string") return null;
  const [, size, unit] = /^\s*(\d+(?:\.\d+)?)\s*([bm])/i.exec(parameters) ?? [];
  return size === undefined ? null : Number(size) / (unit?.toLowerCase() === "m" ? 1_000 : 1);
}

/** A SQL condition: the user has an active language model with this ID. */
export function isActiveLanguageModel(userId: number, modelId: number): SQL {
  const { is_active, capabilities } = externalModels;
  return sql`exists (select from ${externalModels} where ${whereOwnModel(userId, modelId)} and ${is_active} and 'embedding' <> all(${capabilities}))`;
}
