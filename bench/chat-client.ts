import { once } from "node:events";
import { WebSocket } from "ws";

/** Frames that a client reads before it says so. */
const ackEvery = 128;

/** A socket that counts what comes, and acknowledges what has a number. */
export class ChatClient {
  readonly #socket: WebSocket;
  #acked = 0;
  /** Called with everything that comes. */
  onText: (text: string) => void = () => {};
  /** Called with why nothing more will come. */
  onEnd: (error: Error) => void = () => {};

  static async open(url: URL): Promise<ChatClient> {
    const socket = new WebSocket(String(url).replace(/^http/, "ws"));
    const client = new ChatClient(socket);
    await once(socket, "open");
    return client;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.onText(data.toString()));
    socket.on("close", (code, reason) => this.onEnd(new Error(`A socket was closed: ${code} ${reason.toString()}`)));
    socket.on("error", (error) => this.onEnd(error));
  }

  send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** Says that everything up to a number was read, now and then. */
  hasRead(seq: number): void {
    if (seq - this.#acked < ackEvery) return;
    this.#acked = seq;
    this.send({ type: "ack", seq });
  }

  close(): void {
    this.onEnd = () => {};
    this.#socket.close();
  }
}

/** The `seq` of a frame: what its JSON ends with. */
export function seqIn(frame: string): number {
  return Number(frame.slice(frame.lastIndexOf(":") + 1, -1));
}
