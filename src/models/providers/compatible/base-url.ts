/** The ends of addresses that users copy from examples: the SDK adds them itself. */
const endpoints =
  /\/(?:chat\/completions|completions|responses|embeddings|messages)$|(?<=\/v\d+(?:beta)?)\/(?:chat|embed|models)$/;

/** The base URL within an address that a user entered: without a query, a slash or an endpoint at its end. */
export function baseUrlIn(address: string): string {
  const trimmed = address
    .trim()
    .replace(/[?#].*$/, "")
    .replace(/\/+$/, "");
  return trimmed.replace(endpoints, "").replace(/\/+$/, "");
}
