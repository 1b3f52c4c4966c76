import type { Ctx } from "../../context.ts";
import { commit, type Statement } from "../../kit/db/commit.ts";
import { validationError } from "../../kit/errors.ts";
import { log } from "../../kit/log.ts";
import type { UsageRecord } from "../gateway/usage-record.ts";
import type { ModelTest } from "../providers/provider.ts";
import { openProvider } from "../providers/registry.ts";
import { providerSettings } from "../providers/settings.ts";
import type { TestBody } from "../schemas.ts";
import { usageRow } from "../usage/record.ts";
import { resolveUserModel, type ResolvedModel } from "./callable-model.ts";
import { markKeyStatus } from "./key-status.ts";
import { requireSafe } from "./service.ts";

/**
 * Calls a model once: one of the user's models, or one that the body describes. Its usage and the status of its key are stored after
 * the response.
 * @returns the result with `response_time` in seconds
 * @throws not_found; validation_failed for a forbidden base URL; ProviderError if the allowance is used up
 */
export async function testModel(ctx: Ctx, userId: number, body: TestBody): Promise<ModelTest & { response_time: number }> {
  const { provider, modelId, settings, row } = await resolveModel(ctx, userId, body);
  const records: UsageRecord[] = [];
  let isRejected = false;
  const start = performance.now();
  const outcome = await openProvider(provider).test(modelId, settings, {
    onUsage: (record) => records.push(record),
    onBadKey: () => (isRejected = true),
  });
  const response_time = Math.round(performance.now() - start) / 1_000;
  const background = ctx.background();
  const of = { userId, externalModelId: row?.id ?? null, purpose: "test" as const };
  const rows: Statement[] = records.map((record) => usageRow(background, record, of));
  if (isRejected || outcome.success) rows.push(...markKeyStatus(background, userId, row, isRejected));
  const [first, ...others] = rows;
  if (first !== undefined) {
    const write = commit(background, [first, ...others]).catch((error: unknown) =>
      log("warn", "Failed to store the usage of a model test.", { request_id: ctx.requestId, error }),
    );
    ctx.waitUntil(write);
  }
  return { ...outcome, response_time };
}

async function resolveModel(
  ctx: Ctx,
  userId: number,
  { provider, model_id, api_key, base_url }: TestBody,
): Promise<ResolvedModel> {
  if (provider === undefined) return resolveUserModel(ctx, userId, idIn(model_id));
  requireSafe(ctx, { base_url });
  const settings = providerSettings(ctx, userId, { apiKey: api_key, baseUrl: base_url });
  return { provider, modelId: String(model_id), settings, row: undefined };
}

/** @throws validation_failed */
function idIn(text: string | number): number {
  const id = Number(text);
  if (Number.isInteger(id) && id >= 1 && id < 2 ** 31) return id;
  throw validationError([
    { path: "model_id", in: "body", message: "must be the ID of one of your models, unless `provider` is given" },
  ]);
}
