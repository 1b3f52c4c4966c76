import type { Env } from "../env.ts";

/** The supported social sign-in providers. */
export const providerNames = ["github", "google"] as const;

export type ProviderName = (typeof providerNames)[number];

type Settings = Pick<Env, "GITHUB_CLIENT_ID" | "GITHUB_CLIENT_SECRET" | "GOOGLE_CLIENT_ID" | "GOOGLE_CLIENT_SECRET">;

/** Returns the client ID and secret of each configured provider. */
export function providersOf(env: Settings): Partial<Record<ProviderName, { clientId: string; clientSecret: string }>> {
  const settings = {
    github: { clientId: env.GITHUB_CLIENT_ID, clientSecret: env.GITHUB_CLIENT_SECRET },
    google: { clientId: env.GOOGLE_CLIENT_ID, clientSecret: env.GOOGLE_CLIENT_SECRET },
  };
  return Object.fromEntries(
    Object.entries(settings).filter(([, { clientId, clientSecret }]) => clientId !== "" && clientSecret !== ""),
  );
}

/** Sign-in providers besides a password. */
export function configuredProviders(env: Settings): string[] {
  return Object.keys(providersOf(env));
}
