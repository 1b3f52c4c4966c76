import type { Ctx } from "../../context.ts";
import type { Env } from "../../env.ts";
import { faultOfUrl, createGuardedFetch, type HostSettings } from "../../kit/egress/fetch.ts";

/** What an answer of a model may weigh, and how long it may take: a stream that thinks for long is one still. */
const bounds = { maxResponseBytes: 32 * 1024 * 1024, firstByteTimeoutMs: 60_000, timeoutMs: 300_000 };

function hostsOf({ EGRESS_ALLOWED_HOSTS, PUBLIC_URL }: Env): HostSettings {
  return { allowedHosts: EGRESS_ALLOWED_HOSTS, ownHosts: [new URL(PUBLIC_URL).host] };
}

const opened = new WeakMap<Env, typeof fetch>();

/** The `fetch` for addresses that users give: one in an isolate. */
export function guardedFetch({ env }: Pick<Ctx, "env">): typeof fetch {
  const known = opened.get(env);
  if (known !== undefined) return known;
  const guarded = createGuardedFetch({ ...hostsOf(env), ...bounds, resolverUrl: env.DNS_RESOLVER_URL });
  opened.set(env, guarded);
  return guarded;
}

/** What is wrong with the address of a model, in words that go after its name; undefined if nothing is. */
export function faultOfBaseUrl({ env }: Pick<Ctx, "env">, url: string): string | undefined {
  return faultOfUrl(url, hostsOf(env));
}

/** A `fetch` for one address that the operator chose: it reaches that host alone, in a private network too. */
export function operatorFetch(url: string): typeof fetch {
  return createGuardedFetch({ ...bounds, allowedHosts: [new URL(url).host] });
}
