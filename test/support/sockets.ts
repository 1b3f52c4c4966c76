import { WebSocket } from "ws";
import { watchAll } from "./canary.ts";

/** A frame of ours, as it came over the wire. */
export type Frame = { type: string; seq: number } & Record<string, unknown>;

export type TestSocket = {
  /** All frames that came, taken or not. */
  received: Frame[];
  /** The first frame that nobody has taken yet. */
  next(): Promise<Frame>;
  /** Takes frames up to one that is looked for, and gives it. */
  until(isIt: (frame: Frame) => boolean): Promise<Frame>;
  /** Sends an object as JSON, or a text or bytes as they are. */
  send(message: object | string | Uint8Array): void;
  /** How the socket was closed; waits until it is. */
  closed: Promise<{ code: number; reason: string }>;
  /** Says goodbye, and waits until it is answered. */
  close(): Promise<void>;
  /** The socket itself, to be paused or torn. */
  raw: WebSocket;
};

const socketUrl = (url: string | URL) => String(url).replace(/^http/, "ws");

/** Opens a socket. @throws if it is refused */
export async function connect(url: string | URL, headers: Record<string, string> = {}): Promise<TestSocket> {
  const raw = new WebSocket(socketUrl(url), { headers });
  const received: Frame[] = [];
  let taken = 0;
  let isClosed = false;
  let wake = () => {};
  raw.on("message", (data: Buffer) => {
    const text = data.toString();
    if (text === "pong") return;
    watchAll("a frame of a socket", text);
    received.push(JSON.parse(text) as Frame);
    wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    raw.once("close", (code, reason) => {
      isClosed = true;
      wake();
      resolve({ code, reason: reason.toString() });
    });
  });
  await new Promise<void>((resolve, reject) => {
    raw.once("open", resolve);
    raw.once("error", reject);
  });
  raw.on("error", () => {});
  // A socket that was never read from is closed, but workerd ends its connection 10 s later.
  raw.send("ping");
  const next = async (): Promise<Frame> => {
    while (received.length <= taken) {
      if (isClosed) throw new Error(`The socket closed after ${JSON.stringify(received.slice(-3))}.`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
    return received[taken++]!;
  };
  return {
    received,
    next,
    async until(isIt) {
      for (;;) {
        const frame = await next();
        if (isIt(frame)) return frame;
      }
    },
    send: (message) =>
      raw.send(typeof message === "string" || message instanceof Uint8Array ? message : JSON.stringify(message)),
    closed,
    async close() {
      raw.close();
      await closed;
    },
    raw,
  };
}

/** Asks for a socket that is refused, and tells with what. */
export function refusal(
  url: string | URL,
  headers: Record<string, string> = {},
): Promise<{ status: number; type: string | undefined; text: string; problem: Record<string, unknown> }> {
  const raw = new WebSocket(socketUrl(url), { headers });
  return new Promise((resolve, reject) => {
    raw.on("open", () => reject(new Error("The socket was opened.")));
    raw.on("error", reject);
    raw.on("unexpected-response", (_request, reply) => {
      const chunks: Buffer[] = [];
      reply.on("data", (chunk: Buffer) => chunks.push(chunk));
      reply.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const type = reply.headers["content-type"];
        resolve({ status: reply.statusCode!, type, text, problem: JSON.parse(text) as Record<string, unknown> });
      });
    });
  });
}
