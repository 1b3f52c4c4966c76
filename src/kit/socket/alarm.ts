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
