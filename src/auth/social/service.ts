import type { Env } from "../../env.ts";
import { AppError, validationError } from "../../kit/errors.ts";
import { providersOf, type ProviderName } from "../social-providers.ts";

/** @throws not_found for a provider that is not configured */
export function requireProvider(env: Env, provider: ProviderName): void {
  if (!(provider in providersOf(env)))
    throw new AppError("not_found", `Sign-in with ${provider} is not configured on this server.`);
}

/** Checks the origin of a callback URL. better-auth checks it only for requests to its own routes. @throws validation_failed */
export function requireListed({ PUBLIC_URL, CORS_ORIGINS }: Env, callbackUrl: string): void {
  const { origin, username, password } = new URL(callbackUrl, PUBLIC_URL);
  const isListed = origin === new URL(PUBLIC_URL).origin || CORS_ORIGINS.includes(origin);
  if (isListed && username === "" && password === "") return;
  const message = "must be a path, or a URL of an allowed origin without a username or password";
  throw validationError([{ path: "callback_url", in: "body", message }]);
}
