import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { Pool } from "pg";
import { runPayload } from "./run-payload.ts";
import { listen } from "../../listen.ts";
import { BadRequest, errorReply, parsePayload, type Payload, type Reply } from "./neon-protocol.ts";

export interface NeonBridge {
  /** Base URL; the endpoint is `<url>/sql`. */
  url: string;
  /** Cuts every connection, rolls back what was running, and frees the port. */
  close(): Promise<void>;
  /** HTTP requests answered so far. */
  roundTrips(): number;
}

const MAX_REQUEST_BYTES = 64 * 2 ** 20;
/** Includes the wait for a free connection. */
const CONNECT_TIMEOUT_MS = 30_000;

/**
 * Answers Neon's SQL over HTTP, as `neon()` of `@neondatabase/serverless` speaks it, out of any PostgreSQL. Listens on
 * 127.0.0.1. The connection string that the driver sends is ignored: every request goes to `databaseUrl`.
 *
 * @param options.maxConnections to Postgres; 1, the default, suits the embedded one
 * @param options.port TCP port; a free one if left out
 */
export async function startNeonBridge(options: {
  databaseUrl: string;
  maxConnections?: number;
  port?: number;
}): Promise<NeonBridge> {
  const { databaseUrl, maxConnections = 1, port = 0 } = options;
  const pool = new Pool({ connectionString: databaseUrl, max: maxConnections, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A connection that breaks fails its statement, if there is one, and leaves the pool: the event has nothing to add.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));

  let answered = 0;
  const reply = async (request: IncomingMessage, response: ServerResponse) => {
    const { status, body } = await answer(pool, request, response);
    if (response.destroyed) return;
    answered++;
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  const server = createServer((request, response) => void reply(request, response));
  // An idle connection that the server ends could meet the next request on its way.
  server.keepAliveTimeout = 0;
  const { host, close } = await listen(server, port);

  return {
    url: `http://${host}`,
    roundTrips: () => answered,
    async close() {
      await close();
      await pool.end();
    },
  };
}

async function answer(pool: Pool, request: IncomingMessage, response: ServerResponse): Promise<Reply> {
  const disconnected = new AbortController();
  response.once("close", () => response.writableFinished || disconnected.abort());
  try {
    return { status: 200, body: await runPayload(pool, await readPayload(request), request.headers, disconnected.signal) };
  } catch (error) {
    return errorReply(error);
  }
}

/**
 * The driver always asks for raw text. Insisting on it also keeps web pages out, since a browser asks leave (CORS) before it
 * sends a header of this kind, and gets none.
 */
async function readPayload(request: IncomingMessage): Promise<Payload> {
  if (request.method !== "POST" || request.url !== "/sql") throw new BadRequest("expected POST /sql", 404);
  if (request.headers["neon-raw-text-output"] !== "true") throw new BadRequest("expected Neon-Raw-Text-Output: true");
  if (Number(request.headers["content-length"]) > MAX_REQUEST_BYTES) {
    throw new BadRequest(`request is too large (max is ${MAX_REQUEST_BYTES} bytes)`, 413);
  }
  return parsePayload(await text(request));
}
