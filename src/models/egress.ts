import type { Ctx } from "../context.ts";
import type { Env } from "../env.ts";
import { faultOfUrl, openEgress, type HostSettings } from "../kit/egress.ts";
import { openAllowance } from "./allowance.ts";
import type { ProviderName } from "./kinds.ts";
import type { ProviderSettings } from "./provider.ts";

/** What an answer of a model may weigh, and how long it may take: a stream that thinks for long is one still. */
const bounds = { maxResponseBytes: 32 * 1024 * 1024, firstByteTimeoutMs: 60_000, timeoutMs: 300_000 };

function hostsOf({ EGRESS_ALLOWED_HOSTS, PUBLIC_URL }: Env): HostSettings {
  return { allowedHosts: EGRESS_ALLOWED_HOSTS, ownHosts: [new URL(PUBLIC_URL).host] };
}

const opened = new WeakMap<Env, typeof fetch>();

/** The `fetch` for addresses that users give: one in an isolate. */
export function egressOf({ env }: Pick<Ctx, "env">): typeof fetch {
  const known = opened.get(env);
  if (known !== undefined) return known;
  const guarded = openEgress({ ...hostsOf(env), ...bounds, resolverUrl: env.DNS_RESOLVER_URL });
  opened.set(env, guarded);
  return guarded;
}

/** What is wrong with the address of a model, in words that go after its name; undefined if nothing is. */
export function faultOfBaseUrl({ env }: Pick<Ctx, "env">, url: string): string | undefined {
  return faultOfUrl(url, hostsOf(env));
}

/** The `fetch` for the Ollama server of the operator: their own network, but that host alone. */
export function operatorsFetch(url: string): typeof fetch {
  return openEgress({ ...bounds, allowedHosts: [new URL(url).host] });
}

/** What this server can call by itself, whoever asks. */
export function bindingsOf(ctx: Pick<Ctx, "env">): Pick<ProviderSettings, "ai"> {
  const { AI: ai } = ctx.env;
  return ai === undefined ? {} : { ai };
}

/**
 * With what a model of this server is called for a user, by its provider. The operator's Ollama server is called at its own address.
 * It is metered in production alone: in development it belongs to the developer.
 */
export function serverSettings(ctx: Ctx, userId: number, provider: ProviderName | undefined): ProviderSettings {
  const { allowance, ...settings } = settingsFor(ctx, userId);
  const { OLLAMA_URL: url, ENVIRONMENT } = ctx.env;
  if (provider !== "ollama" || url === "") return { ...settings, ...(allowance && { allowance }) };
  const metered = ENVIRONMENT === "production" && allowance ? { allowance } : {};
  return { ...settings, ...metered, baseUrl: url, fetch: operatorsFetch(url) };
}

/** With what a provider is called for a user: through the guard, and with nothing of the operator's but the AI binding, on the user's allowance. */
export function settingsFor(
  ctx: Ctx,
  userId: number,
  { apiKey, baseUrl }: { apiKey?: string | undefined; baseUrl?: string | null | undefined } = {},
): ProviderSettings {
  return {
    fetch: egressOf(ctx),
    allowance: openAllowance(ctx, userId),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(baseUrl == null ? {} : { baseUrl }),
    ...bindingsOf(ctx),
  };
}
