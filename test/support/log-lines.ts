import { onTestFinished, vi } from "vitest";
import { eventFields } from "../../src/kit/event-log.ts";
import { looksSecret, maxLineBytes } from "../../src/kit/log.ts";

/** A line of the log. */
export type LogLine = Record<string, unknown>;

const levels = ["info", "warn", "error"] as const;

/** The lines among what was logged. What is no JSON object is none of ours. */
export function parseLines(texts: readonly string[]): LogLine[] {
  return texts.flatMap((text) => {
    try {
      const line: unknown = JSON.parse(text);
      return typeof line === "object" && line !== null ? [{ ...line }] : [];
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

/** What the requests of this process said, in all its test files: texts, addresses and tokens, none of which a line may show. */
const sent = new Set<string>();

/** Fields of a body that name a model or a provider: a line may show them. */
const shown = new Set(["model", "model_id", "provider", "embedding_model", "request_id"]);

/** Remembers what a request says, so that it is searched for in the log. */
function rememberSent(value: unknown, name = ""): void {
  if (typeof value === "string") {
    const isText = value.length >= 8 && (/[\s@]|:\/\//.test(value) || value.length >= 16);
    if (isText && !shown.has(name)) sent.add(value.slice(0, 200));
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, each] of Object.entries(value)) rememberSent(each, key);
}

/** Remembers the texts of a request: its body if that is JSON, its query, and its token. */
export function rememberRequest(path: string, { body, headers }: RequestInit): void {
  for (const [name, value] of new URL(path, "http://localhost").searchParams) rememberSent(value, name);
  rememberSent(new Headers(headers).get("authorization")?.replace(/^Bearer /, ""));
  if (typeof body === "string") rememberFrame(body);
}

/** Remembers the texts of JSON; of anything else, nothing. */
export function rememberFrame(text: string): void {
  try {
    rememberSent(JSON.parse(text));
  } catch {
    // Malformed input is not repeated as text.
  }
}

const eventKeys: ReadonlySet<string> = new Set(["level", ...Object.keys(eventFields)]);

/** The users and tokens that tests make, and the secrets of their configuration. */
const neverShown = /@example\.|\bperson\d+x\d+|-token-|test-(?:signing|key)-secret|postgres:\/\//;

/** What is wrong with the lines of a log: text or secrets, unknown fields of an event, or more than 1,000 bytes. */
export function faultsInLog(texts: readonly string[]): string[] {
  const faults = texts.flatMap((text) => {
    const [line] = parseLines([text]);
    const found = neverShown.test(text) || looksSecret(text) ? ["shows a secret"] : [];
    if (line === undefined || line["level"] === undefined) return found.map((fault) => `${fault}: ${text}`);
    if (Buffer.byteLength(text) > maxLineBytes) found.push("is too long");
    if ("event" in line && !Object.keys(line).every((name) => eventKeys.has(name))) found.push("has an unknown field");
    if (!("event" in line) && typeof line["message"] !== "string") found.push("is neither an event nor a message");
    return found.map((fault) => `${fault}: ${text}`);
  });
  const all = texts.join("\n");
  // JSON escapes quotes and line breaks.
  const repeated = [...sent].filter((text) => all.includes(JSON.stringify(text).slice(1, -1)));
  return [...faults, ...repeated.map((text) => `repeats a text of a request: ${text}`)];
}

/** @throws where a line of the log has what it must not have */
export function assertCleanLog(texts: readonly string[]): void {
  const faults = faultsInLog(texts);
  if (faults.length > 0) throw new Error(`A line of the log ${faults.slice(0, 5).join("\nA line of the log ")}`);
}
