import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import type { FuzzRequest } from "./request.ts";

/** What came back. */
export type FuzzReply =
  | { kind: "reply"; status: number; headers: IncomingHttpHeaders; body: Buffer }
  /** Nothing, or no end, within the time limit. */
  | { kind: "unanswered"; status?: number }
  /** The connection broke. */
  | { kind: "broken"; reason: string };

/** A request that is unanswered for this time is a failure, in milliseconds. A provider has 120 seconds to answer a call. */
export const timeLimitMs = 130_000;

/** Sends a request and reads its whole reply. */
export function sendRequest(base: URL, request: FuzzRequest): Promise<FuzzReply> {
  return request.contentLength === undefined ? sendWellFramed(base, request) : sendMisframed(base, request);
}

function sendWellFramed(base: URL, { method, path, headers, body }: FuzzRequest): Promise<FuzzReply> {
  return new Promise((resolve) => {
    let status: number | undefined;
    const length = body === undefined ? {} : { "content-length": String(body.byteLength) };
    const sent = httpRequest({ host: base.hostname, port: base.port, method, path, headers: { ...headers, ...length } });
    const timer = setTimeout(() => finish({ kind: "unanswered", ...(status === undefined ? {} : { status }) }), timeLimitMs);
    const finish = (reply: FuzzReply) => {
      clearTimeout(timer);
      sent.destroy();
      resolve(reply);
    };
    sent.on("error", (error) => finish({ kind: "broken", reason: error.message }));
    sent.on("upgrade", (reply, socket) => {
      socket.destroy();
      finish({ kind: "reply", status: reply.statusCode!, headers: reply.headers, body: Buffer.alloc(0) });
    });
    sent.on("response", (reply) => {
      status = reply.statusCode!;
      const chunks: Buffer[] = [];
      reply.on("data", (chunk: Buffer) => chunks.push(chunk));
      reply.on("error", (error) => finish({ kind: "broken", reason: error.message }));
      reply.on("end", () =>
        finish({ kind: "reply", status: reply.statusCode!, headers: reply.headers, body: Buffer.concat(chunks) }),
      );
    });
    if (body !== undefined) sent.write(body);
    sent.end();
  });
}

/** Sends a request whose `Content-Length` is wrong, and ends the connection. Whatever comes back is the reply; nothing may, too. */
function sendMisframed(base: URL, { method, path, headers, body, contentLength }: FuzzRequest): Promise<FuzzReply> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(base.port), base.hostname);
    const timer = setTimeout(() => finish({ kind: "unanswered" }), timeLimitMs);
    const finish = (reply: FuzzReply) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reply);
    };
    const lines = [
      `${method} ${path} HTTP/1.1`,
      `host: ${base.host}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      `content-length: ${contentLength}`,
      "connection: close",
    ];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", (error) => finish({ kind: "broken", reason: error.message }));
    socket.on("close", () => finish(parseReply(Buffer.concat(chunks))));
    socket.write(Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"));
    socket.end(body ?? "");
  });
}

/** The first reply in the bytes of a connection. The body of a chunked one is left as it came. */
function parseReply(bytes: Buffer): FuzzReply {
  const end = bytes.indexOf("\r\n\r\n");
  const [first = "", ...lines] = bytes.subarray(0, Math.max(0, end)).toString("latin1").split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
  if (!(status > 0)) return { kind: "broken", reason: "The connection ended without a reply." };
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  return { kind: "reply", status, headers, body: bytes.subarray(end + 4) };
}
