import { parseEnv, type Env } from "./env.ts";
import { openDatabase, type Database } from "./kit/db/client.ts";
import type { OnceGuard } from "./kit/db/commit.ts";
import type { composeHooks } from "./hook-types.ts";
import { newRequestId } from "./kit/http/request-id.ts";
import { openKeyValue, type KeyValue } from "./kit/storage/kv.ts";
import type { ConstraintErrors } from "./kit/errors.ts";
import { openMailer, type Mailer } from "./kit/mail.ts";
import { ModelUsage } from "./kit/model-usage.ts";
import { RoundTripCounter } from "./kit/server-timing.ts";

/** The caller. The type distinguishes a job from a user; a missing user does not. `permissions` and `roles` come from auth/roles.ts. */
export type Actor =
  | { kind: "anonymous" }
  | { kind: "system"; job: string }
  | { kind: "user"; userId: number; sessionId: number; roles: readonly string[]; permissions: readonly string[] }
  | { kind: "key"; userId: number; keyId: number; permissions: readonly string[] }
  | { kind: "minion"; userId: number; minionId: number; permissions: readonly string[] };

/** The composed hooks of all features. */
export type Hooks = ReturnType<typeof composeHooks<Ctx>>;

/** The parts of the application that every context gets. */
export type Composition = {
  hooks: Hooks;
  /** The client errors of constraints. */
  constraintErrors: ConstraintErrors;
};

/** The client of a request, as seen by the edge. */
export type Client = { ip: string | null; location: string | null; userAgent: string | null };

/** The context of every service call, for requests, jobs and alarms. */
export type Ctx = {
  readonly env: Env;
  readonly db: Database;
  readonly cache: KeyValue;
  readonly mail: Mailer;
  readonly actor: Actor;
  readonly client: Client;
  readonly hooks: Hooks;
  readonly constraintErrors: ConstraintErrors;
  readonly requestId: string;
  readonly roundTrips: RoundTripCounter;
  /** The model calls of this event, for its line in the log. */
  readonly modelUsage: ModelUsage;
  /** The guard that makes the effect of this event happen once, if the event can arrive twice. */
  readonly guard: OnceGuard | undefined;
  /** Keeps the event alive until the work is done, without delaying the reply. */
  waitUntil(work: Promise<unknown>): void;
  /** The same context with a caller. */
  withActor(actor: Actor): Ctx;
  /** The same context with a guard: its effect happens once. */
  withGuard(claim: OnceGuard): Ctx;
  /** The same context for work after the reply. Its round trips are not in `Server-Timing`. */
  background(): Ctx;
};

type Lifetime = Pick<ExecutionContext, "waitUntil">;

type Event = Composition & {
  bindings: Cloudflare.Env;
  lifetime: Lifetime;
  actor: Actor;
  client: Client;
  requestId: string;
  claim?: OnceGuard;
};

function makeContext(event: Event, meter = new RoundTripCounter(), modelUsage = new ModelUsage()): Ctx {
  const env = parseEnv(event.bindings);
  const { actor, client, hooks, constraintErrors, requestId, lifetime } = event;
  let db: Database | undefined;
  return {
    env,
    get db() {
      db ??= openDatabase(env.DATABASE_URL, env.NEON_PROXY, meter, event.claim?.signal);
      return db;
    },
    cache: openKeyValue(env.CACHE, meter),
    get mail() {
      return (
        env.MAIL ??
        openMailer({
          apiKey: env.RESEND_API_KEY,
          from: env.MAIL_FROM,
          url: env.RESEND_URL,
          userAgent: "spiritforge",
        })
      );
    },
    actor,
    client,
    hooks,
    constraintErrors,
    requestId,
    roundTrips: meter,
    modelUsage,
    guard: event.claim,
    waitUntil: (work) => lifetime.waitUntil(work),
    withActor: (other) => makeContext({ ...event, actor: other }, meter, modelUsage),
    withGuard: (claim) => makeContext({ ...event, claim }, meter, modelUsage),
    background: () => makeContext(event),
  };
}

/**
 * The context of a request before authentication.
 * @throws misconfigured
 */
export function requestContext(request: Request, event: Composition & Pick<Event, "bindings" | "lifetime" | "requestId">): Ctx {
  return makeContext({ ...event, actor: { kind: "anonymous" }, client: clientOf(request) });
}

/**
 * The context of a background job.
 * @param event.requestId the ID of the request that enqueued it. Default: a new ID
 * @throws misconfigured
 */
export function jobContext(
  job: string,
  event: Composition & Pick<Event, "bindings" | "lifetime"> & { requestId?: string },
): Ctx {
  const client = { ip: null, location: null, userAgent: null };
  return makeContext({ requestId: newRequestId(), ...event, actor: { kind: "system", job }, client });
}

/**
 * The context of a Durable Object. It has no hooks, because the object belongs to a feature with hooks.
 * @param event.constraintErrors the constraint errors of the object's feature and of the features before it
 * @param event.requestId the ID of the request that called the object. Default: a new ID
 */
export function objectContext(
  name: string,
  event: Pick<Event, "bindings" | "lifetime" | "constraintErrors"> & { requestId?: string | undefined },
): Ctx {
  const hooks = new Proxy({} as Hooks, {
    get() {
      throw new Error("An object has no hooks.");
    },
  });
  const { requestId = newRequestId(), ...parts } = event;
  return jobContext(name, { ...parts, hooks, requestId });
}

function clientOf({ headers, cf }: Request): Client {
  const { city, country } = (cf ?? {}) as Partial<IncomingRequestCfProperties>;
  const location = [city, country].filter((part) => part !== undefined && part !== null).join(", ");
  return { ip: headers.get("cf-connecting-ip"), location: location || null, userAgent: headers.get("user-agent") };
}
