import type { Ctx } from "../../context.ts";
import { toAppError } from "../../kit/db/errors.ts";
import { logEvent, millisecondsSince } from "../../kit/event-log.ts";
import { log } from "../../kit/log.ts";
import { Outbox, type Entry } from "./outbox.ts";
import { projectChange, projectRemoval, projectTurn, type WriteOutcome } from "./write-to-postgres.ts";

/** The delay before a retry, in ms. It doubles each time, up to the maximum. */
const firstRetryMs = 2_000;
const maxRetryMs = 5 * 60_000;

/** What the worker needs from its room. */
export type OutboxRuntime = {
  context(requestId?: string): Ctx;
  scheduleAlarm(at: number): void;
  /** Called if the conversation is deleted. */
  erase(): Promise<void>;
};

/** Writes the outbox of a room to Postgres, in order, and retries until each entry is committed. */
export class OutboxWorker {
  readonly #outbox: Outbox;
  readonly #runtime: OutboxRuntime;
  #running: Promise<void> | undefined;
  #failures = 0;
  #dueAt = 0;

  constructor(sql: SqlStorage, runtime: OutboxRuntime) {
    this.#outbox = new Outbox(sql);
    this.#runtime = runtime;
  }

  /** Adds an entry and starts writing. */
  add(entry: Entry): void {
    this.#outbox.add(entry);
    void this.run();
  }

  /** The time of the next attempt, in milliseconds since the epoch; undefined if the outbox is empty. */
  get dueAt(): number | undefined {
    return this.#outbox.first() === undefined ? undefined : this.#dueAt;
  }

  /** Writes all entries. Never rejects: a failed entry is retried later. */
  run(): Promise<void> {
    return (this.#running ??= this.#all().finally(() => (this.#running = undefined)));
  }

  async #all(): Promise<void> {
    try {
      for (let next = this.#outbox.first(); next !== undefined; next = this.#outbox.first()) {
        if ((await this.#write(next.entry)) === "gone") return await this.#runtime.erase();
        this.#outbox.remove(next.id);
        this.#failures = 0;
      }
    } catch {
      this.#dueAt = Date.now() + Math.min(firstRetryMs * 2 ** this.#failures, maxRetryMs);
      this.#failures += 1;
      this.#runtime.scheduleAlarm(this.#dueAt);
    }
  }

  /** Writes an entry, and the line of its attempt. */
  async #write(entry: Entry): Promise<WriteOutcome> {
    const startedAt = performance.now();
    const ctx = this.#runtime.context(entry.request_id);
    const end = (outcome: string, error_code?: string) =>
      logEvent(ctx, {
        event: "outbox_write",
        outcome,
        error_code,
        name: entry.kind,
        user_id: entry.of.user_id,
        attempts: this.#failures + 1,
        duration_ms: millisecondsSince(startedAt),
      });
    try {
      const outcome = await project(ctx, entry);
      end(outcome === "done" ? "ok" : "skipped");
      return outcome;
    } catch (error) {
      log("warn", "A room could not write to Postgres. It retries later.", { request_id: ctx.requestId, error });
      end("retried", toAppError(error, ctx.constraintErrors)?.code ?? "internal");
      throw error;
    }
  }
}

function project(ctx: Ctx, { kind, of }: Entry): Promise<WriteOutcome> {
  if (kind === "turn") return projectTurn(ctx, of);
  return kind === "change" ? projectChange(ctx, of) : projectRemoval(ctx, of);
}
