import { millisecondsSince, writeEvent } from "../event-log.ts";
import { newRequestId } from "../http/request-id.ts";

/** The alarm of a Durable Object, set to the earliest of many times. Setting it writes a row, so it only moves to an earlier time. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  #at: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Loads the alarm that was set before the object was evicted. */
  async load(): Promise<void> {
    this.#at = await this.#storage.getAlarm();
  }

  /** Sets the alarm, unless an earlier one is set. @param at milliseconds since the epoch */
  scheduleBy(at: number): void {
    if (this.#at !== null && this.#at <= at) return;
    this.#at = at;
    void this.#storage.setAlarm(at);
  }

  /** Handles the alarm. Later times must be scheduled again. */
  fired(): void {
    this.#at = null;
  }

  async clear(): Promise<void> {
    this.#at = null;
    await this.#storage.deleteAlarm();
  }
}

/**
 * Handles an alarm, and writes its line. The platform repeats an alarm that throws.
 * @param work returns false if it failed and will be repeated
 */
export async function logAlarm(env: object, name: string, work: () => Promise<boolean | void>): Promise<void> {
  const startedAt = performance.now();
  let outcome = "failed";
  try {
    outcome = (await work()) === false ? "retried" : "ok";
  } finally {
    const event = { event: "alarm", outcome, name, actor: "system", request_id: newRequestId() };
    writeEvent(env, { ...event, duration_ms: millisecondsSince(startedAt) });
  }
}
