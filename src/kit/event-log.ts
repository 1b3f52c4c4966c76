import { looksSecret, writeLine, type LogLevel } from "./log.ts";

type Field = { type: "text" | "number"; description: string };

/**
 * The fields of an event's line, in the order in which Analytics Engine gets them: texts are its blobs, numbers its doubles. An order that
 * is in use never changes, so a new field is added at the end. Analytics Engine takes 20 of each.
 */
export const eventFields = {
  event: { type: "text", description: "What happened: see the events above" },
  outcome: { type: "text", description: "`ok`, or how it ended" },
  error_code: { type: "text", description: "The code of the error, as in problem details; `internal` for an unexpected one" },
  route: { type: "text", description: "The pattern of the request's path, never the path; `unmatched` if there is none" },
  method: { type: "text", description: "The HTTP method" },
  name: { type: "text", description: "What ran: the job, the schedule's job, the object, the kind of entry" },
  actor: { type: "text", description: "The kind of the caller, such as `anonymous`, `user`, `key` or `system`" },
  provider: { type: "text", description: "The provider of the last model call" },
  model: { type: "text", description: "The model of the last call; `other` if its ID is not a plain name" },
  failed_provider: { type: "text", description: "The provider whose attempt failed last, also if another model answered" },
  request_id: { type: "text", description: "The request that caused the event: the same in all its lines" },
  status: { type: "number", description: "The HTTP status of the reply" },
  duration_ms: {
    type: "number",
    description: "Wall time. In production the clock stands still between two round trips, so it has no CPU time",
  },
  db: { type: "number", description: "Round trips to Postgres" },
  kv: { type: "number", description: "Round trips to KV" },
  do: { type: "number", description: "Calls to Durable Objects" },
  user_id: { type: "number", description: "The user" },
  attempts: { type: "number", description: "Attempts so far, of a job or an entry" },
  model_calls: { type: "number", description: "Model calls" },
  input_tokens: { type: "number", description: "Input tokens of all model calls" },
  output_tokens: { type: "number", description: "Output tokens" },
  cached_tokens: { type: "number", description: "Input tokens that the provider read from its cache" },
  cost_micro_usd: {
    type: "number",
    description: "Cost at list price, in millionths of a dollar; absent without a known price",
  },
  failed_attempts: { type: "number", description: "Failed attempts of model calls" },
} as const satisfies Record<string, Field>;

type FieldName = keyof typeof eventFields;

/** The fields that an event may have. */
export type EventFields = {
  [Name in Exclude<FieldName, "event" | "outcome">]?:
    | ((typeof eventFields)[Name]["type"] extends "number" ? number : string)
    | undefined;
};

/** What an event needs: at least its name, and how it ended. */
export type LoggedEvent = EventFields & { event: string; outcome: string };

/** The part of an Analytics Engine binding that is used. */
export type AnalyticsSink = {
  writeDataPoint(point: { indexes: string[]; blobs: string[]; doubles: number[] }): void;
};

/** The bindings of an event. Analytics Engine is optional. */
export type AnalyticsBindings = { readonly ANALYTICS?: AnalyticsSink | undefined };

const names = Object.keys(eventFields) as FieldName[];
const textNames = names.filter((name) => eventFields[name].type === "text");
const numberNames = names.filter((name) => eventFields[name].type === "number");

/** Names, route patterns and IDs: no spaces, no quotes. */
const plainName = /^[\w.:/@*{}()[\]\\+?^$|,-]{1,128}$/;
const emailAddress = /[^\s@/]@[^\s@]+\.[^\s@]/;

/** A field's value as it is written: `other` for a text that is no plain name, such as a model ID that holds a key. */
function toValue(value: string | number): string | number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  return plainName.test(value) && !looksSecret(value) && !emailAddress.test(value) ? value : "other";
}

const levelOf = ({ outcome, status = 0 }: LoggedEvent): LogLevel => {
  if (status >= 500 || outcome === "failed") return "error";
  return outcome === "ok" || status > 0 ? "info" : "warn";
};

/**
 * Writes the line of an event: one line of JSON with the fields that apply, at most 1,000 bytes, and no text that a user wrote. If
 * Analytics Engine is bound, it gets the same fields; the index is the user, else the route or the name. It never throws.
 */
export function writeEvent({ ANALYTICS: sink }: AnalyticsBindings, event: LoggedEvent): void {
  const line: Record<string, string | number> = {};
  for (const name of names) {
    const given = event[name];
    const value = given === undefined ? undefined : toValue(given);
    if (value !== undefined) line[name] = value;
  }
  writeLine(levelOf(event), line);
  if (sink === undefined) return;
  try {
    const index = line["user_id"] === undefined ? (line["route"] ?? line["name"] ?? "") : `user:${line["user_id"]}`;
    sink.writeDataPoint({
      indexes: [String(index).slice(0, 96)],
      blobs: textNames.map((name) => String(line[name] ?? "")),
      doubles: numberNames.map((name) => Number(line[name] ?? 0)),
    });
  } catch {
    // The line has the same fields.
  }
}

/** The parts of a context that its events show. */
export type EventContext = {
  readonly env: AnalyticsBindings;
  readonly requestId: string;
  readonly actor: { readonly kind: string; readonly userId?: number };
  readonly roundTrips: { counts(): Pick<EventFields, "db" | "kv" | "do"> };
  readonly modelUsage: { fields(): EventFields };
};

/** Writes the line of an event, with the request, the caller, the round trips and the model calls of its context. */
export function logEvent(ctx: EventContext, event: LoggedEvent): void {
  const { env, requestId, actor, roundTrips, modelUsage } = ctx;
  writeEvent(env, {
    request_id: requestId,
    actor: actor.kind,
    user_id: actor.userId,
    ...roundTrips.counts(),
    ...modelUsage.fields(),
    ...event,
  });
}

/** Milliseconds since a time of `performance.now()`, without fractions. */
export const millisecondsSince = (start: number): number => Math.round(performance.now() - start);
