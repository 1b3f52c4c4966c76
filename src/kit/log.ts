/** What a line may say beside its message: numbers, flags, and short names that this code defines or stores. Never what a user wrote. */
export type LogFields = {
  /** The ID of the request that caused the event. */
  request_id?: string | undefined;
  /** Written with its stack and the messages of its causes. */
  error?: unknown;
} & Record<string, unknown>;

export type LogLevel = "info" | "warn" | "error";

/** Bytes of the longest line. */
export const maxLineBytes = 1_000;

const maxTextLength = 160;
const encoder = new TextEncoder();

/** An error and its causes, outermost first. A failed query is left out for its cause: it holds parameters, and so secrets. */
function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let cause = error; cause instanceof Error && chain.length < 8; cause = cause.cause) {
    if (!("query" in cause && "params" in cause)) chain.push(cause);
  }
  return chain;
}

/** The messages of an error and its causes, outermost first, without the parameters of queries. */
export function reasonsOf(error: unknown): string[] {
  return chainOf(error).map(({ name, message }) => `${name}: ${message}`);
}

/** Keys and tokens by their usual prefixes. */
const secretPrefix =
  /\b(?:sk|pk|rk|gsk|xai|nvapi|ghp|gho|github_pat|hf|whsec|sf)[-_][\w-]{6,}|\bAIza[\w-]{6,}|\beyJ[\w.-]{6,}/g;

/** Whether a text looks like a key or a token. */
export const looksSecret = (text: string): boolean => text.search(secretPrefix) !== -1;

/** What a message may repeat of its input: quoted text, URLs, addresses, keys and long tokens. */
const repeated: readonly RegExp[] = [
  /"(?:[^"\\]|\\.)*"?|`[^`]*`?|(?<!\w)'[^']*'?/g,
  /\b[a-z][a-z+.-]*:\/\/\S+/gi,
  /[^\s@]+@[^\s@]+\.[^\s@]+/g,
  secretPrefix,
  /\b(?=\w*\d)(?=\w*[a-z])\w{20,}\b/gi,
];

/** A text without what it may repeat of its input, on one line, cut to 160 characters. */
function redact(text: string): string {
  const known = repeated.reduce((left, pattern) => left.replace(pattern, "…"), text.slice(0, 2_000));
  return known.replace(/\s+/g, " ").slice(0, maxTextLength);
}

/** The code of an error for clients, whose message may repeat what they wrote; undefined for any other error. */
function codeOf(error: Error): string | undefined {
  const { code, issues } = ("failure" in error ? error.failure : error) as { code?: unknown; issues?: unknown };
  return Array.isArray(issues) && typeof code === "string" ? code : undefined;
}

const reasonIn = (error: Error): string => `${error.name}: ${codeOf(error) ?? error.message}`;

/** The names that Postgres gives to a fault: its SQLSTATE, and the constraint. */
function postgresNames(chain: readonly Error[]): { code?: string; constraint?: string } {
  const names: { code?: string; constraint?: string } = {};
  for (const { code, constraint } of chain as readonly { code?: unknown; constraint?: unknown }[]) {
    if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) names.code ??= code;
    if (typeof constraint === "string" && /^\w{1,63}$/.test(constraint)) names.constraint ??= constraint;
  }
  return names;
}

function describe(error: unknown) {
  const chain = chainOf(error);
  const [outermost, cause] = chain;
  if (outermost === undefined) return { reason: typeof error, causes: [], stack: [] };
  const frames = outermost.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  return {
    reason: redact(reasonIn(outermost)),
    ...postgresNames(chain),
    causes: chainOf(cause).map((each) => redact(reasonIn(each))),
    stack: frames.map((frame) => frame.trim().slice(0, maxTextLength)),
  };
}

/** Writes a line of JSON: a string, since that is one line wherever it is read. */
export function writeLine(level: LogLevel, fields: Readonly<Record<string, unknown>>): void {
  console[level](JSON.stringify({ level, ...fields }));
}

const toText = (value: unknown): unknown => {
  if (typeof value === "string") return redact(value);
  return Array.isArray(value) ? value.slice(0, 8).map(toText) : value;
};

/**
 * Writes one line of JSON about a fault or a change. Texts are redacted, and the stack of an error is cut so that the line has at most
 * 1,000 bytes. Every event has a line of its own: see `logEvent`.
 * @param message a constant sentence
 */
export function log(level: LogLevel, message: string, fields: LogFields = {}): void {
  const { error, request_id, ...rest } = fields;
  const safe = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, toText(value)]));
  const line = { message, ...(request_id === undefined ? {} : { request_id }), ...safe };
  if (error === undefined) return writeLine(level, line);
  const described = describe(error);
  const { stack, causes } = described;
  const size = () => encoder.encode(JSON.stringify({ level, ...line, error: described })).length;
  while (size() > maxLineBytes && stack.length > 2) stack.pop();
  while (size() > maxLineBytes && causes.length > 0) causes.pop();
  while (size() > maxLineBytes && stack.length > 0) stack.pop();
  writeLine(level, { ...line, error: described });
}
