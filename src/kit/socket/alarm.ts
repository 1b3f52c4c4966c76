/** The one alarm of a Durable Object, for the earliest of many things. Setting it is a row written, so it is only ever moved nearer. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  #at: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Learns what was set before the object was evicted. */
  async load(): Promise<void> {
    this.#at = await this.#storage.getAlarm();
  }

  /** Sets the alarm, unless it rings by then. @param at milliseconds since the epoch */
  scheduleBy(at: number): void {
    if (this.#at !== null && this.#at <= at) return;
    this.#at = at;
    void this.#storage.setAlarm(at);
  }

  /** It rings: what is due later must be set again. */
  fired(): void {
    this.#at = null;
  }

  async clear(): Promise<void> {
    this.#at = null;
    await this.#storage.deleteAlarm();
  }
}
