import type { Ctx } from "../../context.ts";
import type { Env } from "../../env.ts";
import { faultOfUrl, createGuardedFetch, urlSettingsOf } from "../../kit/egress/fetch.ts";

/**
 * The limits of a response of a model. They allow for streams with long reasoning. The start of an error is kept, because it says what the
 * server refuses; it is never shown.
 */
const bounds = { maxErrorBytes: 16 * 1024, maxResponseBytes: 32 * 1024 * 1024, firstByteTimeoutMs: 60_000, timeoutMs: 300_000 };

const opened = new WeakMap<Env, typeof fetch>();

/** The `fetch` for URLs that users enter. One per isolate. */
export function guardedFetch({ env }: Pick<Ctx, "env">): typeof fetch {
  const known = opened.get(env);
  if (known !== undefined) return known;
  const guarded = createGuardedFetch({ ...urlSettingsOf(env), ...bounds });
  opened.set(env, guarded);
  return guarded;
}

/** The reason why a base URL is forbidden, to follow the field name; undefined if it is allowed. */
export function faultOfBaseUrl({ env }: Pick<Ctx, "env">, url: string): Promise<string | undefined> {
  return faultOfUrl(url, urlSettingsOf(env));
}

/** A `fetch` for one URL that the operator configured. It reaches only that host, which may be in a private network. */
export function operatorFetch(url: string): typeof fetch {
  return createGuardedFetch({ ...bounds, allowedHosts: [new URL(url).host] });
}
