import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { isEvents, script, vendorWords, type Json, type Protocol, type Reply, type SseEvent } from "./script.ts";
import { listen } from "../../../dev/listen.ts";

/** What can go wrong on the way, beside every status: in a stream, half of its events have come by then. */
export type WireFault =
  | "hang" // never answers
  | "hang-midway"
  | "cut" // the connection breaks
  | "unfinished" // ends in order, but without its last words
  | "bytes" // arrives byte by byte, and so in the middle of characters
  | "crlf"
  | "huge-line" // 10 MB in one event
  | "garbage" // is not JSON
  | "redirect"; // to the loopback address of this very server

export type Fault = WireFault | { status: number; headers?: Record<string, string> };

export type FakeVendor = {
  /** The base URL for the provider. */
  baseUrl: string;
  /** Every request so far, the newest last. */
  requests: { path: string; headers: Record<string, string | undefined>; body: Json }[];
  /** Lets the next requests go wrong, one after the other. */
  failNext(...faults: Fault[]): void;
  /** How often somebody went where a redirect pointed. */
  redirected(): number;
  close(): Promise<void>;
};

export const hugeText = "x".repeat(10 * 1024 * 1024);

/** A fake vendor with its own HTTP protocol and one valid key. */
export async function startVendor(protocol: Protocol, apiKey: string): Promise<FakeVendor> {
  const requests: FakeVendor["requests"] = [];
  const faults: Fault[] = [];
  let redirected = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = parse(await text(request));
    const headers = request.headers as Record<string, string | undefined>;
    const path = new URL(request.url ?? "/", "http://vendor").pathname;
    if (path === "/inside") redirected += 1;
    requests.push({ path, headers, body });
    const refuse = (status: number, more: Record<string, string> = {}) =>
      json(response, status, protocol.failure(status, `${vendorWords}: ${status} for key ${apiKey}`), more);
    const fault = faults.shift();
    if (typeof fault === "object") return refuse(fault.status, fault.headers);
    if (fault === "hang") return;
    if (fault === "redirect") {
      response.writeHead(307, { location: `http://${request.headers.host}/inside` }).end();
      return;
    }
    if (protocol.key(headers) !== apiKey) return refuse(401);
    const pieces = fault === "huge-line" ? [hugeText] : script.pieces;
    const reply = path.startsWith(protocol.base) ? protocol.reply(path.slice(protocol.base.length), body, pieces) : undefined;
    if (reply === undefined) return refuse(404);
    if (isEvents(reply)) await stream(response, reply, fault);
    else whole(response, reply, fault);
  }

  const server = createServer((request, response) => void answer(request, response));
  const { host, close } = await listen(server);
  return {
    baseUrl: `http://${host}${protocol.base}`,
    requests,
    failNext: (...next) => void faults.splice(0, faults.length, ...next),
    redirected: () => redirected,
    close,
  };
}

function whole(response: ServerResponse, reply: Exclude<Reply, SseEvent[]>, fault: WireFault | undefined): void {
  const body = JSON.stringify(reply);
  if (fault === "garbage") return void response.writeHead(200).end(`<html>${body}`);
  if (fault !== "cut") return json(response, 200, reply);
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}

async function stream(response: ServerResponse, events: SseEvent[], fault: WireFault | undefined): Promise<void> {
  const lineEnd = fault === "crlf" ? "\r\n" : "\n";
  const texts = events.map(({ event, data }) => {
    const line = `data: ${typeof data === "string" ? data : JSON.stringify(data)}`;
    return [...(event === undefined ? [] : [`event: ${event}`]), line, "", ""].join(lineEnd);
  });
  response.socket?.setNoDelay(true);
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  const half = texts.slice(0, Math.ceil(texts.length / 2)).join("");
  if (fault === "garbage") return void response.end(`data: {"${vendorWords}${lineEnd}${lineEnd}`);
  if (fault === "hang-midway") return void response.write(half);
  if (fault === "cut") return void response.write(half, () => response.destroy());
  if (fault === "unfinished") return void response.end(half);
  if (fault === "bytes") return byByte(response, Buffer.from(texts.join("")));
  response.end(texts.join(""));
}

/** Sends what is not ASCII a byte at a time, so that no character arrives whole. */
async function byByte(response: ServerResponse, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    response.write(Uint8Array.of(byte));
    if (byte > 127) await turn();
  }
  response.end();
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function parse(body: string): Json {
  return body === "" ? {} : (JSON.parse(body) as Json);
}
