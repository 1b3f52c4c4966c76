import type { Ctx } from "../context.ts";
import { and, eq, isNotNull, sql } from "drizzle-orm";
import { commit, type Statement } from "../kit/db/client.ts";
import { AppError, invalid } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { bindingsOf, settingsFor } from "./providers/guarded-fetch.ts";
import { openKey, sealedKeyColumns } from "./api-keys.ts";
import { providerNames, type ProviderName } from "./constants.ts";
import type { ModelTest, ProviderSettings } from "./providers/provider.ts";
import { openProvider } from "./providers/registry.ts";
import { itself } from "./queries.ts";
import type { TestBody } from "./schemas.ts";
import { requireSafe } from "./service.ts";
import { externalModels } from "./tables.ts";
import { usageRow } from "./usage/record.ts";
import type { UsageRecord } from "./gateway/usage-record.ts";

/** A model that can be called: by whom, for what, and with what. */
export type Callable = {
  provider: ProviderName;
  modelId: string;
  settings: ProviderSettings;
  /** The row it stands in, and the reference of the key it is called with. */
  row: { id: number; key_ref: string | null } | undefined;
};

/** A user's model, ready to be called. One round trip. @throws not_found; provider_not_configured where its key cannot be read */
export async function callableModel(ctx: Ctx, userId: number, modelId: number): Promise<Callable> {
  const { id, provider, model_id, base_url } = externalModels;
  const [found] = await ctx.db
    .select({ id, provider, model_id, base_url, ...sealedKeyColumns })
    .from(externalModels)
    .where(itself(userId, modelId));
  if (found === undefined) throw new AppError("not_found", "There is no such model of yours.");
  const apiKey = await openKey(ctx, userId, found);
  return {
    provider: found.provider,
    modelId: found.model_id,
    settings: settingsFor(ctx, userId, { apiKey, baseUrl: found.base_url }),
    row: { id: found.id, key_ref: found.key_ref },
  };
}

/** Every provider, and whether it can be called here. Asks nobody, and loads no SDK. */
export async function listProviders(ctx: Ctx) {
  const settings = bindingsOf(ctx);
  const providers = await Promise.all(providerNames.map(openProvider));
  return providers.map((provider) => {
    const { name, display_name, icon, color, base_url, requires_api_key, models } = provider;
    const { supports_streaming, supports_tools, supports_embeddings, supports_fine_tuning } = provider;
    const reason = provider.unavailable(settings);
    const can = { supports_streaming, supports_tools, supports_embeddings, supports_fine_tuning };
    const shown = { name, display_name, icon, color, base_url, requires_api_key, ...can, models };
    return { ...shown, available: reason === null, reason };
  });
}

/**
 * Runs a model once, for real: one of the user's, or one as they describe it. What it used, and what became of its key, is
 * written behind the reply.
 * @returns also `response_time`, in seconds
 * @throws not_found; validation_failed for a hostile address; ProviderError where there is no allowance for it
 */
export async function testModel(ctx: Ctx, userId: number, body: TestBody): Promise<ModelTest & { response_time: number }> {
  const { provider, modelId, settings, row } = await callableOf(ctx, userId, body);
  const records: UsageRecord[] = [];
  let isRejected = false;
  const start = performance.now();
  const outcome = await (
    await openProvider(provider)
  ).test(modelId, settings, {
    onUsage: (record) => records.push(record),
    onBadKey: () => (isRejected = true),
  });
  const response_time = Math.round(performance.now() - start) / 1_000;
  const behind = ctx.behind();
  const of = { userId, externalModelId: row?.id ?? null, purpose: "test" as const };
  const rows: Statement[] = records.map((record) => usageRow(behind, record, of));
  if (isRejected || outcome.success) rows.push(...keyRows(behind, userId, row, isRejected));
  const [first, ...others] = rows;
  if (first !== undefined) {
    const write = commit(behind, [first, ...others]).catch((error: unknown) =>
      log("warn", "What a test of a model used was not written.", { request_id: ctx.requestId, error }),
    );
    ctx.defer(write);
  }
  return { ...outcome, response_time };
}

/** Notes whether the provider took the key: of the key that was tried alone, which may have been replaced meanwhile. */
export function keyRows(ctx: Ctx, userId: number, row: Callable["row"], isRejected: boolean): Statement[] {
  if (row === undefined || row.key_ref === null) return [];
  const marked = isRejected ? sql`now()` : null;
  return [
    ctx.db
      .update(externalModels)
      .set({ key_rejected_at: marked })
      .where(
        and(
          itself(userId, row.id),
          eq(externalModels.key_ref, row.key_ref),
          isRejected ? undefined : isNotNull(externalModels.key_rejected_at),
        ),
      ),
  ];
}

async function callableOf(ctx: Ctx, userId: number, { provider, model_id, api_key, base_url }: TestBody): Promise<Callable> {
  if (provider === undefined) return callableModel(ctx, userId, idIn(model_id));
  requireSafe(ctx, { base_url });
  const settings = settingsFor(ctx, userId, { apiKey: api_key, baseUrl: base_url });
  return { provider, modelId: String(model_id), settings, row: undefined };
}

/** @throws validation_failed */
function idIn(text: string | number): number {
  const id = Number(text);
  if (Number.isInteger(id) && id >= 1 && id < 2 ** 31) return id;
  throw invalid([{ path: "model_id", in: "body", message: "must be the number of a model of yours, or come with `provider`" }]);
}
