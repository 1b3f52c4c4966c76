import { onTestFinished, vi } from "vitest";

/** A line of the log. */
export type LogLine = Record<string, unknown>;

const levels = ["info", "warn", "error"] as const;

/** The lines among what was logged. What is no JSON object is none of ours. */
export function parseLines(texts: readonly string[]): LogLine[] {
  return texts.flatMap((text) => {
    try {
      const line: unknown = JSON.parse(text);
      return typeof line === "object" && line !== null ? [line as LogLine] : [];
    } catch {
      return [];
    }
  });
}

/** Reads what this process logs until the test is over. @returns the lines so far */
export function overhearLog(): () => LogLine[] {
  const texts: string[] = [];
  for (const level of levels) {
    const spy = vi.spyOn(console, level).mockImplementation((text: unknown) => void texts.push(String(text)));
    onTestFinished(() => spy.mockRestore());
  }
  return () => parseLines(texts);
}
