import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { listen } from "../../dev/listen.ts";

/** What happens to a request on its way: nothing, lost before it arrives, or done with its answer lost. */
export type Fate = "pass" | "lose-request" | "lose-answer";

/** A stretch of network before a bridge that loses what `fateOf` says: an answer that is lost was given all the same. */
export async function startLossyBridge(bridgeUrl: string, fateOf: (payload: string) => Fate) {
  const server = createServer((request, response) => {
    void (async () => {
      const body = await buffer(request);
      const fate = fateOf(body.toString());
      if (fate === "lose-request") return request.socket.destroy();
      const isNeons = ([name]: [string, unknown]) => name.startsWith("neon-");
      const headers = Object.fromEntries(Object.entries(request.headers).filter(isNeons)) as Record<string, string>;
      const reply = await fetch(bridgeUrl + request.url, { method: "POST", headers, body });
      const answer = Buffer.from(await reply.arrayBuffer());
      if (fate === "lose-answer") return request.socket.destroy();
      return response.writeHead(reply.status, { "content-type": "application/json" }).end(answer);
    })().catch(() => request.socket.destroy());
  });
  const { host, close } = await listen(server);
  return {
    url: `http://${host}`,
    close,
  };
}
