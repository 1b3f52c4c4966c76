import type { LanguageModelV4 } from "@ai-sdk/provider";
import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { AppError } from "../../kit/errors.ts";
import { serverSettings, providerSettings } from "../../models/providers/settings.ts";
import type { Candidate, Candidates } from "../../models/gateway/call.ts";
import { ProviderError } from "../../models/gateway/errors.ts";
import { openKey, sealedKeyColumns } from "../../models/external-models/api-keys.ts";
import type { ModelSummary, Quirks } from "../../models/constants.ts";
import { keepQuirks } from "../../models/external-models/keep-quirks.ts";
import { identityOf, languageCandidate, openProvider, parseModelReference } from "../../models/providers/registry.ts";
import { modelSummarySql } from "../../models/queries.ts";
import { externalModels } from "../../models/tables.ts";
import { ownMinion } from "../queries.ts";
import { minionModelSummary } from "../model-summary.ts";
import { minionFallbacks, minions } from "../tables.ts";

/** Selects the models of a user's minion: its own model, then its fallbacks in order. */
export function selectModelCandidates(ctx: Ctx, userId: number, minionId: number) {
  const chosen = sql`(
    select 0 as place, ${minions.model} as model, ${minions.external_model_id} as external_model_id
    from ${minions} where ${ownMinion(userId, minionId)}
    union all
    select ${minionFallbacks.position}, ${minionFallbacks.model}, ${minionFallbacks.external_model_id} from ${minionFallbacks}
    where ${and(eq(minionFallbacks.user_id, userId), eq(minionFallbacks.minion_id, minionId))}
  ) chosen`;
  const { id, provider, model_id, base_url, is_active, quirks } = externalModels;
  return ctx.db
    .select({
      model: sql<string>`chosen.model`,
      external_model: modelSummarySql(sql`chosen.external_model_id`),
      id,
      provider,
      model_id,
      base_url,
      is_active,
      quirks,
      ...sealedKeyColumns,
    })
    .from(chosen)
    .leftJoin(externalModels, and(eq(externalModels.user_id, userId), sql`${id} = chosen.external_model_id`))
    .orderBy(sql`chosen.place`);
}

/** A model candidate as the query returns it: plain data that can be cached. */
export type ModelCandidateRow = Awaited<ReturnType<typeof selectModelCandidates>>[number];

/**
 * A model candidate of a minion, with its summary and, for a model of the owner, the row whose key and usage
 * are recorded.
 */
export type MinionModelCandidate = Candidate<LanguageModelV4> & {
  row: { id: number; key_ref: string | null } | undefined;
  summary: ModelSummary | null;
};

/**
 * The candidates for the gateway, which tries them in order. Keys are decrypted on first use. Streams coalesce deltas.
 * @throws not_found for no rows
 */
export function gatewayCandidates(
  ctx: Ctx,
  userId: number,
  rows: readonly ModelCandidateRow[],
): Candidates<LanguageModelV4> & readonly MinionModelCandidate[] {
  const [first, ...rest] = rows.map((row) => toGatewayCandidate(ctx, userId, row));
  if (first === undefined) throw new AppError("not_found", "Minion not found.");
  return [first, ...rest];
}

function toGatewayCandidate(ctx: Ctx, userId: number, row: ModelCandidateRow): MinionModelCandidate {
  const { model, id, provider, model_id: modelId, base_url: baseUrl } = row;
  const summary = summaryOf(row);
  if (id === null || provider === null || modelId === null) {
    const settings = serverSettings(ctx, userId, parseModelReference(model)?.provider);
    return { ...languageCandidate(model, { ...settings, coalesceDeltas: true }), row: undefined, summary };
  }
  const identity = identityOf(provider);
  return {
    provider: identity,
    modelId,
    row: { id, key_ref: row.key_ref },
    summary,
    async open() {
      if (row.is_active !== true)
        throw new ProviderError("not_configured", identity, { detail: "This model is disabled. Enable it first." });
      const apiKey = await openKey(ctx, userId, row).catch((error: unknown) => {
        // An unreadable key must not stop the fallbacks.
        throw error instanceof AppError ? new ProviderError("not_configured", identity, { detail: error.message }) : error;
      });
      return openProvider(provider).languageModel(modelId, {
        ...providerSettings(ctx, userId, { apiKey, baseUrl }),
        coalesceDeltas: true,
        quirks: row.quirks ?? {},
        onQuirks: (found) => learnQuirks(ctx, userId, row, found),
      });
    },
  };
}

/** The summary of a candidate, with the context window that its server named, and without tools if its server refused them. */
function summaryOf(row: ModelCandidateRow): ModelSummary | null {
  const summary = minionModelSummary(row);
  if (summary === null) return null;
  const { context_length: named, tools } = row.quirks ?? {};
  const context_length = named === undefined ? summary.context_length : Math.min(summary.context_length ?? Infinity, named);
  return { ...summary, context_length, supports_tools: summary.supports_tools && tools !== false };
}

/** Keeps what was found about the server of a candidate: in its row, which may be cached, and in Postgres. */
export function learnQuirks(ctx: Ctx, userId: number, row: ModelCandidateRow, found: Quirks): void {
  row.quirks = { ...row.quirks, ...found };
  if (row.id !== null) keepQuirks(ctx, userId, row.id, found);
}
