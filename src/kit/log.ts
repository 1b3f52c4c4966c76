type Fields = Record<string, unknown>;

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

function describe(error: unknown): unknown {
  const [outermost, cause] = chainOf(error);
  if (outermost === undefined) return typeof error;
  return { stack: outermost.stack, causes: reasonsOf(cause) };
}

/** Writes one line of JSON. An `error` among the fields is written with its stack and the messages of its causes. */
export function log(level: "info" | "warn" | "error", message: string, fields: Fields = {}): void {
  const { error, ...rest } = fields;
  console[level](JSON.stringify({ level, message, ...rest, ...(error === undefined ? {} : { error: describe(error) }) }));
}
