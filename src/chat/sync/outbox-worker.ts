import type { Ctx } from "../../context.ts";
import { permanentFailure, toAppError } from "../../kit/db/errors.ts";
import { AppError } from "../../kit/errors.ts";
import { logEvent, millisecondsSince } from "../../kit/event-log.ts";
import { log } from "../../kit/log.ts";
import { Outbox, type Entry, type StoredEntry } from "./outbox.ts";
import { projectChange, projectRemoval, projectReport, projectTurn, type WriteOutcome } from "./write-to-postgres.ts";

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

/**
 * Writes the outbox of a room to Postgres, in order, and retries until each entry is committed. An entry that Postgres will always
 * refuse is set aside, so that those behind it go on, and is reported as a failed job.
 */
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

  /**
   * Writes an entry that was set aside. Does nothing if it was written since.
   * @param requestId the request that replays it
   * @param update brings the entry up to date
   * @throws conflict if Postgres still refuses the entry
   */
  async writeSetAside(id: number, requestId: string, update: (entry: Entry) => Entry): Promise<void> {
    const stored = this.#outbox.findSetAside(id);
    if (stored === undefined) return;
    try {
      if ((await project(this.#runtime.context(requestId), update(stored.entry))) === "gone")
        return await this.#runtime.erase();
      this.#outbox.removeSetAside(id);
    } catch (error) {
      const reason = permanentFailure(error);
      if (reason === undefined) throw error;
      throw new AppError("conflict", `Postgres still refuses this entry: ${reason}.`, { cause: error });
    }
  }

  async #all(): Promise<void> {
    try {
      for (let next = this.#outbox.first(); next !== undefined; next = this.#outbox.first()) {
        if ((await this.#write(next)) === "gone") return await this.#runtime.erase();
        this.#failures = 0;
      }
    } catch {
      this.#dueAt = Date.now() + Math.min(firstRetryMs * 2 ** this.#failures, maxRetryMs);
      this.#failures += 1;
      this.#runtime.scheduleAlarm(this.#dueAt);
    }
  }

  /** Writes an entry, or sets it aside, and logs the attempt. @throws a failure that may pass */
  async #write(next: StoredEntry): Promise<WriteOutcome> {
    const { entry } = next;
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
      if (outcome === "done") this.#outbox.remove(next.id);
      end(outcome === "done" ? "ok" : "skipped");
      return outcome;
    } catch (error) {
      const code = toAppError(error, ctx.constraintErrors)?.code ?? "internal";
      const reason = permanentFailure(error);
      if (reason !== undefined) {
        end("set_aside", code);
        this.#setAside(next, reason);
        return "done";
      }
      log("warn", "A room could not write to Postgres. It retries later.", { request_id: ctx.requestId, error });
      end("retried", code);
      throw error;
    }
  }

  /** The log has the IDs and the reason only: the entry and the error have text of users. */
  #setAside(next: StoredEntry, error: string): void {
    const { kind, of, ...request } = next.entry;
    const { conversation_id, user_id } = of;
    // A report of a report would never end.
    if (kind === "report") this.#outbox.remove(next.id);
    const report = (entry_id: number): Entry => ({
      ...request,
      kind: "report",
      of: { conversation_id, user_id, entry_id, error: `The ${kind} of an outbox was refused: ${error}.`, at: Date.now() },
    });
    const entry_id = kind === "report" ? of.entry_id : this.#outbox.setAside(next, error, report);
    const fields = { conversation_id, user_id, entry_id, kind, reason: error };
    if (kind === "report") log("error", "An entry was set aside but cannot be reported.", fields);
    else log("error", "An entry was set aside.", fields);
  }
}

function project(ctx: Ctx, { kind, of }: Entry): Promise<WriteOutcome> {
  if (kind === "turn") return projectTurn(ctx, of);
  if (kind === "change") return projectChange(ctx, of);
  return kind === "removal" ? projectRemoval(ctx, of) : projectReport(ctx, of);
}
