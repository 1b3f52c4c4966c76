import type { Ctx } from "../context.ts";
import { commit, type Statement } from "../kit/db/commit.ts";
import { validationError, type AppError } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { workersAiSettings, providerSettings } from "../models/providers/settings.ts";
import type { CallOptions } from "../models/gateway/call.ts";
import type { ModelSummary } from "../models/constants.ts";
import { kindByName } from "../models/providers/list-models.ts";
import { describeModel, openProvider, parseModelReference, type ModelReference } from "../models/providers/registry.ts";
import { resolveUserModel, type ResolvedModel } from "../models/external-models/callable-model.ts";
import { markKeyStatus } from "../models/external-models/key-status.ts";
import { usageRow } from "../models/usage/record.ts";

/** A model that somebody names: one that runs here, or the number of one of theirs. */
export type NamedModel = ModelReference | { id: number };

/**
 * What a name of a model says. Asks nobody.
 * @param path the field that names it
 * @throws validation_failed for what names none, and for what runs elsewhere, or not here, or is for something else
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
  if (reference.provider !== "builtin" && reference.provider !== "workers-ai") {
    throw refuse("requires an API key: connect the model and use its ID");
  }
  const reason = openProvider(reference.provider).unavailable(workersAiSettings(ctx));
  if (reason !== null) throw refuse(reason);
  const isBuiltin = reference.provider === "builtin";
  const its = isBuiltin ? describeModel(name)?.kind : kindByName(reference.modelId);
  if (its !== kind) throw refuse(kind === "embedding" ? "is not an embedding model" : "is not a language model");
  return reference;
}

/** What calls a model, for a user. One of theirs costs one round trip, for its key. @throws not_found, provider_not_configured */
export async function callableOf(ctx: Ctx, userId: number, model: NamedModel): Promise<ResolvedModel> {
  if ("id" in model) return resolveUserModel(ctx, userId, model.id);
  return { ...model, settings: providerSettings(ctx, userId), row: undefined };
}

/** Keeps what calls use, in the statements of `usage`, each once. What is computed here costs nobody anything. */
export function keepingUsage(ctx: Ctx, userId: number, { provider, row }: ResolvedModel) {
  const rows: Statement[] = [];
  const options: Pick<CallOptions, "onUsage" | "onBadKey"> = {
    onUsage(record) {
      if (provider === "builtin") return;
      rows.push(usageRow(ctx, record, { userId, purpose: "knowledge", externalModelId: row?.id ?? null }));
    },
    onBadKey: () => rows.push(...markKeyStatus(ctx, userId, row, true)),
  };
  return { options, usage: () => rows.splice(0) };
}

/** Keeps what calls used where nothing else is committed, behind the reply. */
export function keepBehind(ctx: Ctx, [first, ...rest]: Statement[]): void {
  if (first === undefined) return;
  const write = commit(ctx.background(), [first, ...rest]).catch((error: unknown) =>
    log("warn", "Failed to store the usage of a model call.", { request_id: ctx.requestId, error }),
  );
  ctx.waitUntil(write);
}
