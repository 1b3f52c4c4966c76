import { toAppError } from "../db/errors.ts";
import { logEvent, millisecondsSince, writeEvent, type AnalyticsBindings, type EventContext } from "../event-log.ts";

/** The parts of a consumer that a job's line needs. */
type LoggedConsumer<Ctx> = {
  handlers: readonly { run(ctx: Ctx, payload: unknown): Promise<unknown> }[];
  contextOf(name: string, requestId: string): EventContext;
  dead: { send(message: unknown): Promise<unknown> };
};

/**
 * Handles a message, and writes the line of its job. The outcome is `ok`, `skipped` for a job that was already done, `retried`, or
 * `failed` for a job that was given up.
 */
export async function logJob<Consumer extends LoggedConsumer<never>>(
  message: Message,
  consumer: Consumer,
  handle: (message: Message, consumer: Consumer) => Promise<void>,
): Promise<void> {
  const startedAt = performance.now();
  const { name, request_id, user_id } = jobIn(message.body);
  let ctx: EventContext | undefined;
  let hasRun = false;
  let outcome = "ok";
  let error_code: string | undefined;
  const observed = {
    ...consumer,
    contextOf: (of: string, requestId: string) => (ctx = consumer.contextOf(of, requestId)),
    handlers: consumer.handlers.map((handler) => ({
      ...handler,
      async run(...given: Parameters<typeof handler.run>) {
        hasRun = true;
        try {
          return await handler.run(...given);
        } catch (error) {
          error_code = toAppError(error, {})?.code ?? "internal";
          throw error;
        }
      },
    })),
    dead: {
      send(dead: unknown) {
        outcome = "failed";
        const { code } = toRecord(dead);
        if (typeof code === "string") error_code = code;
        return consumer.dead.send(dead);
      },
    },
  };
  await handle(
    observeEnd(message, (end) => (outcome = end === "retry" ? "retried" : outcome)),
    observed,
  );
  if (outcome === "ok" && (!hasRun || error_code !== undefined)) outcome = "skipped";
  if (outcome === "skipped") error_code = undefined;
  ctx ??= consumer.contextOf(name, request_id);
  const event = { event: "job", outcome, error_code, name, request_id, attempts: message.attempts };
  logEvent(ctx, { ...event, duration_ms: millisecondsSince(startedAt), ...(user_id === undefined ? {} : { user_id }) });
}

/** Handles a dead letter, and writes its line. */
export async function logDeadLetter(
  message: Message,
  env: AnalyticsBindings,
  handle: (message: Message) => Promise<void>,
): Promise<void> {
  let outcome = "ok";
  await handle(observeEnd(message, (end) => (outcome = end === "retry" ? "retried" : "ok")));
  writeEvent(env, { event: "dead_letter", outcome, ...jobIn(message.body), attempts: message.attempts });
}

/** The same message, which says how it ends. */
function observeEnd(message: Message, onEnd: (end: "ack" | "retry") => void): Message {
  const { id, timestamp, body, attempts } = message;
  return {
    id,
    timestamp,
    body,
    attempts,
    ack() {
      onEnd("ack");
      message.ack();
    },
    retry(options) {
      onEnd("retry");
      message.retry(options);
    },
  };
}

/** What a message says about its job, also one that is not a valid job. */
function jobIn(body: unknown): { name: string; request_id: string; user_id?: number } {
  const { name, request_id, payload } = toRecord(body);
  const { user_id } = toRecord(payload);
  return {
    name: typeof name === "string" ? name : "unknown",
    request_id: typeof request_id === "string" ? request_id : "unknown",
    ...(typeof user_id === "number" ? { user_id } : {}),
  };
}

/** The name of a job and its request, for the log. */
export const headOf = (body: unknown): { name: string; request_id: string } => {
  const { name, request_id } = jobIn(body);
  return { name, request_id };
};

const toRecord = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
