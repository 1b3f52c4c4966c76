/** The ends of addresses that users copy from examples: the SDK adds them itself. */
const endpoints =
  /\/(?:chat\/completions|completions|responses|embeddings|messages)$|(?<=\/v\d+(?:beta)?)\/(?:chat|embed|models)$/;

/** A `fetch` that adds the query of an address to every URL, such as `?api-version=…` of Azure. */
export function withQueryOf(address: string, send: typeof fetch): typeof fetch {
  const added = new URLSearchParams(/\?([^#]*)/.exec(address)?.[1] ?? "");
  if (added.size === 0) return send;
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    for (const [name, value] of added) url.searchParams.set(name, value);
    return send(input instanceof Request ? new Request(url, input) : url, init);
  };
}

/** The base URL within an address that a user entered: without a query, a slash or an endpoint at its end. */
export function baseUrlIn(address: string): string {
  const trimmed = address
    .trim()
    .replace(/[?#].*$/, "")
    .replace(/\/+$/, "");
  return trimmed.replace(endpoints, "").replace(/\/+$/, "");
}
