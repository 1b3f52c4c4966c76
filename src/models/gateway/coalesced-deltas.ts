/**
 * An SDK takes about 40 µs per event, and a fast model sends many events at once. So text deltas that arrive together are passed to the
 * SDK as one event, joined by a separator, and are split again after the SDK. A delta that arrives alone is not changed, and no delta
 * is delayed.
 */

/** A character that no text of a model contains, because Postgres cannot store it. */
export const deltaSeparator = "\0";

/** Splits a `delta` into the deltas that the vendor sent. */
export function splitDeltas(delta: string): string[] {
  return delta.split(deltaSeparator).filter((piece) => piece !== "");
}

/** Removes the separators from a text. */
export function stripSeparators(text: string): string {
  return text.replaceAll(deltaSeparator, "");
}
