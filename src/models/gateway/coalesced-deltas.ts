/**
 * An SDK takes some 40 µs an event however little it says, and a fast model sends many at once. So pieces of text that came together
 * are handed to it as one event, with a seam between them, and are told apart again behind it. What came alone goes on as it is, and
 * nothing waits.
 */

/** The one character that no text of a model keeps: Postgres stores none. */
export const deltaSeparator = "\0";

/** The pieces of a `delta` that may be joined, each as its vendor sent it. */
export function splitDeltas(delta: string): string[] {
  return delta.split(deltaSeparator).filter((piece) => piece !== "");
}

/** Text that may be joined, as it was said. */
export function stripSeparators(text: string): string {
  return text.replaceAll(deltaSeparator, "");
}
