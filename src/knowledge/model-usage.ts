import type { Ctx } from "../context.ts";
import { commit, type Statement } from "../kit/db/commit.ts";
import { validationError, type AppError } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { operatorSettings, providerSettings } from "../models/providers/settings.ts";
import type { CallOptions } from "../models/gateway/call.ts";
import type { ModelSummary } from "../models/constants.ts";
import { serverProviders } from "../models/providers/providers.ts";
import { describeModel, openProvider, parseModelReference, type ModelReference } from "../models/providers/registry.ts";
import { resolveUserModel, type ResolvedModel } from "../models/external-models/callable-model.ts";
import { markKeyStatus } from "../models/external-models/key-status.ts";
import { countCall, usageRow } from "../models/usage/record.ts";

/** A reference to a model of this server, or the ID of a model of the user. */
export type NamedModel = ModelReference | { id: number };

/**
 * Parses the name of a model, without a request.
 * @param path the field that contains the name
 * @throws validation_failed for an invalid name, a provider that needs a key or is unavailable, or the wrong kind of model
 */
export async function readModelName(
  ctx: Ctx,
  name: string,
  { path, kind }: { path: string; kind: ModelSummary["kind"] },
): Promise<NamedModel> {
  const refuse = (message: string): AppError => validationError([{ path, in: "body", message }]);
  const reference = parseModelReference(name);
  if (reference === undefined) {
    const id = Number(name);
    if (!Number.isInteger(id) || id < 1 || id >= 2 ** 31) throw refuse("is not the name or the ID of a model");
    return { id };
  }
  if (!serverProviders.has(reference.provider)) {
    throw refuse("requires an API key: connect the model and use its ID");
  }
  const reason = openProvider(reference.provider).unavailable(operatorSettings(ctx));
  if (reason !== null) throw refuse(reason);
  if (describeModel(name)?.kind !== kind)
    throw refuse(kind === "embedding" ? "is not an embedding model" : "is not a language model");
  return reference;
}

/** Resolves a model so that it can be called for a user. A user's own model costs one round trip, for its key. @throws not_found, provider_not_configured */
export async function resolveModel(ctx: Ctx, userId: number, model: NamedModel): Promise<ResolvedModel> {
  if ("id" in model) return resolveUserModel(ctx, userId, model.id);
  return { ...model, settings: providerSettings(ctx, userId), row: undefined };
}

/** Collects the usage of calls; `usage` returns the statements that store it, each once. Models that cost nothing are not counted. */
export function collectUsage(ctx: Ctx, userId: number, { provider, row }: ResolvedModel) {
  const rows: Statement[] = [];
  const options: Pick<CallOptions, "onUsage" | "onBadKey"> = {
    onUsage(record) {
      countCall(ctx, record);
      if (provider === "builtin" || provider === "local") return;
      rows.push(usageRow(ctx, record, { userId, purpose: "knowledge", externalModelId: row?.id ?? null }));
    },
    onBadKey: () => rows.push(...markKeyStatus(ctx, userId, row, true)),
  };
  return { options, usage: () => rows.splice(0) };
}

/** Stores usage after the reply, for requests that commit nothing else. */
export function saveUsageInBackground(ctx: Ctx, [first, ...rest]: Statement[]): void {
  if (first === undefined) return;
  const write = commit(ctx.background(), [first, ...rest]).catch((error: unknown) =>
    log("warn", "Failed to store the usage of a model call.", { request_id: ctx.requestId, error }),
  );
  ctx.waitUntil(write);
}
