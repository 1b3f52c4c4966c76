import { parseEnv, type Env } from "./env.ts";
import { openDatabase, type Database } from "./kit/db/client.ts";
import type { OnceGuard } from "./kit/db/commit.ts";
import type { composeHooks } from "./hook-types.ts";
import { newRequestId } from "./kit/http/request-id.ts";
import { openKeyValue, type KeyValue } from "./kit/storage/kv.ts";
import type { ConstraintErrors } from "./kit/errors.ts";
import { openMailer, type Mailer } from "./kit/mail.ts";
import { RoundTripCounter } from "./kit/server-timing.ts";

/** Who is asking. A job is told from a person by its type, never by a missing user. `permissions` and `roles` are of auth/roles.ts. */
export type Actor =
  | { kind: "anonymous" }
  | { kind: "system"; job: string }
  | { kind: "user"; userId: number; sessionId: number; roles: readonly string[]; permissions: readonly string[] }
  | { kind: "key"; userId: number; keyId: number; permissions: readonly string[] }
  | { kind: "minion"; userId: number; minionId: number; permissions: readonly string[] };

/** What all features offer to those before them, composed. */
export type Hooks = ReturnType<typeof composeHooks<Ctx>>;

/** What the composition of the application gives to every context. */
export type Composition = {
  hooks: Hooks;
  /** What constraints mean to a client. */
  constraintErrors: ConstraintErrors;
};

/** Where an event came from, as the edge saw it. */
export type Client = { ip: string | null; place: string | null; userAgent: string | null };

/** What every service is given, whatever kind of event called it. */
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
  /** What makes this event's effect the only one of its kind, where it may arrive twice. */
  readonly guard: OnceGuard | undefined;
  /** Keeps the event alive until the work is done, without making the reply wait. */
  waitUntil(work: Promise<unknown>): void;
  /** The same event, now that it is known who is asking. */
  withActor(actor: Actor): Ctx;
  /** The same event, whose effect is to hold once. */
  withGuard(claim: OnceGuard): Ctx;
  /** The same event, for work behind its reply: round trips that the reply does not count. */
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

function makeContext(event: Event, meter = new RoundTripCounter()): Ctx {
  const env = parseEnv(event.bindings);
  const { actor, client, hooks, constraintErrors, requestId, lifetime } = event;
  let db: Database | undefined;
  return {
    env,
    get db() {
      db ??= openDatabase(env.DATABASE_URL, env.NEON_PROXY, meter);
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
    guard: event.claim,
    waitUntil: (work) => lifetime.waitUntil(work),
    withActor: (other) => makeContext({ ...event, actor: other }, meter),
    withGuard: (claim) => makeContext({ ...event, claim }, meter),
    background: () => makeContext(event),
  };
}

/**
 * The context of a request, before anybody has said who is asking.
 * @throws misconfigured
 */
export function requestContext(request: Request, event: Composition & Pick<Event, "bindings" | "lifetime" | "requestId">): Ctx {
  return makeContext({ ...event, actor: { kind: "anonymous" }, client: clientOf(request) });
}

/**
 * The context of work that nobody waits for.
 * @param event.requestId the request that asked for it; a new one unless told
 * @throws misconfigured
 */
export function jobContext(
  job: string,
  event: Composition & Pick<Event, "bindings" | "lifetime"> & { requestId?: string },
): Ctx {
  const client = { ip: null, place: null, userAgent: null };
  return makeContext({ requestId: newRequestId(), ...event, actor: { kind: "system", job }, client });
}

/**
 * The context of what an object does by itself. It has no hooks: it is part of one of the features that they would tell.
 * @param constraintErrors what constraints mean, of the object's feature and those before it
 */
export function objectContext(
  name: string,
  { bindings, lifetime, constraintErrors }: Pick<Event, "bindings" | "lifetime" | "constraintErrors">,
): Ctx {
  const hooks = new Proxy({} as Hooks, {
    get() {
      throw new Error("An object has no hooks.");
    },
  });
  return jobContext(name, { bindings, lifetime, hooks, constraintErrors });
}

function clientOf({ headers, cf }: Request): Client {
  const { city, country } = (cf ?? {}) as Partial<IncomingRequestCfProperties>;
  const place = [city, country].filter((part) => part !== undefined && part !== null).join(", ");
  return { ip: headers.get("cf-connecting-ip"), place: place || null, userAgent: headers.get("user-agent") };
}
