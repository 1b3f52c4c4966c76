import { parseEnv, type Env } from "./env.ts";
import { openDatabase, type Database } from "./kit/db.ts";
import { newRequestId } from "./kit/ids.ts";
import { openKeyValue, type KeyValue } from "./kit/kv.ts";
import { Meter } from "./kit/meter.ts";

/** Who is asking. A job is told from a person by its type, never by a missing user. */
export type Actor = { kind: "anonymous" } | { kind: "system"; job: string };

/** What every service is given, whatever kind of event called it. */
export type Ctx = {
  readonly env: Env;
  readonly db: Database;
  readonly cache: KeyValue;
  readonly actor: Actor;
  readonly requestId: string;
  readonly meter: Meter;
  /** Keeps the event alive until the work is done, without making the reply wait. */
  readonly defer: (work: Promise<unknown>) => void;
};

type Lifetime = Pick<ExecutionContext, "waitUntil">;

function makeContext(bindings: Cloudflare.Env, lifetime: Lifetime, actor: Actor, requestId: string): Ctx {
  const env = parseEnv(bindings);
  const meter = new Meter();
  let db: Database | undefined;
  return {
    env,
    get db() {
      db ??= openDatabase(env.DATABASE_URL, env.NEON_PROXY, meter);
      return db;
    },
    cache: openKeyValue(env.CACHE, meter),
    actor,
    requestId,
    meter,
    defer: (work) => lifetime.waitUntil(work),
  };
}

/** @throws misconfigured */
export function requestContext(bindings: Cloudflare.Env, lifetime: Lifetime, requestId: string): Ctx {
  return makeContext(bindings, lifetime, { kind: "anonymous" }, requestId);
}

/** @throws misconfigured */
export function jobContext(bindings: Cloudflare.Env, lifetime: Lifetime, job: string): Ctx {
  return makeContext(bindings, lifetime, { kind: "system", job }, newRequestId());
}
