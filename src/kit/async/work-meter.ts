/**
 * The units of work between two pauses. A unit is the work on one character of a plain text, some nanoseconds. A benchmark shows that no
 * work between two pauses takes 10 ms.
 */
export const unitsPerPause = 200_000;

/** Resolves after the events that wait. A resolved promise lets nothing else run. */
export const waitingEvents = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/**
 * Counts the work of one task, and pauses the task after each `unitsPerPause` units, so that other requests of the isolate are answered.
 * It counts work and reads no clock, because in production the clock stands still during synchronous work.
 */
export class WorkMeter {
  readonly #pause: () => Promise<void>;
  #units = 0;

  /** @param pause default: until the waiting events are handled */
  constructor(pause: () => Promise<void> = waitingEvents) {
    this.#pause = pause;
  }

  /** Counts work that was done or is next. @returns the pause, if one is due: await it */
  spend(units: number): Promise<void> | undefined {
    this.#units += units;
    if (this.#units < unitsPerPause) return undefined;
    this.#units = 0;
    return this.#pause();
  }
}
