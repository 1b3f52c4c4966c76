import type { Ctx } from "../../context.ts";
import { openAllowance } from "../allowance/allowance.ts";
import { guardedFetch, operatorFetch } from "./guarded-fetch.ts";
import type { ProviderSettings } from "./provider.ts";
import type { ProviderName } from "./providers.ts";
import { workersAi } from "./vendors/workers-ai.ts";

/** The settings of the operator's providers, which are the same for all users: the AI binding and the embedding server. */
export function operatorSettings(ctx: Pick<Ctx, "env">): Pick<ProviderSettings, "ai" | "embeddingsUrl"> {
  const { AI: ai, EMBEDDINGS_URL: embeddingsUrl } = ctx.env;
  return { ...(ai && { ai }), ...(embeddingsUrl && { embeddingsUrl }) };
}

/** The settings of provider calls for a user: guarded `fetch`, the user's allowance and what belongs to the operator for all users. */
export function providerSettings(
  ctx: Ctx,
  userId: number,
  { apiKey, baseUrl }: { apiKey?: string | undefined; baseUrl?: string | null | undefined } = {},
): ProviderSettings {
  return {
    fetch: guardedFetch(ctx),
    allowance: openAllowance(ctx, userId, workersAi),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(baseUrl == null ? {} : { baseUrl }),
    ...operatorSettings(ctx),
  };
}

/**
 * The settings for a model of this server, by its provider. The operator's Ollama server is called at its configured URL. It is
 * metered only in production, because in development it belongs to the developer.
 */
export function serverSettings(ctx: Ctx, userId: number, provider: ProviderName | undefined): ProviderSettings {
  const { allowance, ...settings } = providerSettings(ctx, userId);
  const { OLLAMA_URL: url, ENVIRONMENT } = ctx.env;
  if (provider !== "ollama" || url === "") return { ...settings, ...(allowance && { allowance }) };
  const metered = ENVIRONMENT === "production" && allowance ? { allowance } : {};
  return { ...settings, ...metered, baseUrl: url, fetch: operatorFetch(url) };
}
