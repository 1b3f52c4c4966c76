/** What every benchmark of the catalog asks for. */
export const path = "/api/v2/spirits";

/** Headers of ours that differ from reply to reply. */
const changing = new Set(["date", "x-request-id"]);

/** A reply of our Worker, out of memory, as bindings of the bare one. */
export async function captureReply(url: string, headers: Record<string, string> = {}) {
  await fetch(new URL(path, url)).then((reply) => reply.arrayBuffer());
  const reply = await fetch(new URL(path, url), { headers });
  const constant = [...reply.headers].filter(([name]) => !changing.has(name));
  return {
    STATUS: String(reply.status),
    HEADERS: JSON.stringify(Object.fromEntries(constant)),
    BODY: await reply.text(),
  };
}

/** The ETag among the headers of a captured reply. */
export function etagOf(reply: { HEADERS: string }): string {
  return JSON.parse(reply.HEADERS).etag;
}
