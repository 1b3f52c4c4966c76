import type { Env } from "../../env.ts";
import { AppError, invalid } from "../../kit/errors.ts";

export const providerNames = ["github", "google"] as const;

type ProviderName = (typeof providerNames)[number];

type Settings = Pick<Env, "GITHUB_CLIENT_ID" | "GITHUB_CLIENT_SECRET" | "GOOGLE_CLIENT_ID" | "GOOGLE_CLIENT_SECRET">;

/** The client id and secret of each provider that is configured. */
export function providersOf(env: Settings): Partial<Record<ProviderName, { clientId: string; clientSecret: string }>> {
  const given = {
    github: { clientId: env.GITHUB_CLIENT_ID, clientSecret: env.GITHUB_CLIENT_SECRET },
    google: { clientId: env.GOOGLE_CLIENT_ID, clientSecret: env.GOOGLE_CLIENT_SECRET },
  };
  return Object.fromEntries(
    Object.entries(given).filter(([, { clientId, clientSecret }]) => clientId !== "" && clientSecret !== ""),
  );
}

/** Where people may sign in besides with a password. */
export function configuredProviders(env: Settings): string[] {
  return Object.keys(providersOf(env));
}

/** @throws not_found for a provider that is not configured */
export function requireProvider(env: Env, provider: ProviderName): void {
  if (!(provider in providersOf(env))) throw new AppError("not_found", `Sign-in with ${provider} is not configured here.`);
}

/** The library checks where it sends browsers only for requests of its own. @throws validation_failed */
export function requireListed({ PUBLIC_URL, CORS_ORIGINS }: Env, callbackUrl: string): void {
  const { origin } = new URL(callbackUrl, PUBLIC_URL);
  if (origin === new URL(PUBLIC_URL).origin || CORS_ORIGINS.includes(origin)) return;
  throw invalid([{ path: "callback_url", in: "body", message: "must be a path, or of an origin that is listed" }]);
}
