import { once } from "node:events";
import { WebSocket } from "ws";

/** A client acknowledges every 64th frame. */
const ackInterval = 64;

/** A WebSocket client that buffers messages until it has a listener, and acknowledges frames. */
export class ChatClient {
  readonly #socket: WebSocket;
  #unacknowledged = 0;
  #onText: ((text: string) => void) | undefined;
  readonly #buffered: string[] = [];
  /** Receives the reason when the socket closes or fails. */
  onEnd: (error: Error) => void = () => {};

  static async open(url: URL): Promise<ChatClient> {
    const socket = new WebSocket(String(url).replace(/^http/, "ws"), { perMessageDeflate: false });
    const client = new ChatClient(socket);
    await once(socket, "open");
    return client;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      if (this.#onText === undefined) this.#buffered.push(data.toString());
      else this.#onText(data.toString());
    });
    socket.on("close", (code, reason) => this.onEnd(new Error(`The socket closed: ${code} ${reason.toString()}`)));
    socket.on("error", (error) => this.onEnd(error));
  }

  /** The listener for every message, including the buffered ones. */
  set onText(listener: (text: string) => void) {
    this.#onText = listener;
    for (const text of this.#buffered.splice(0)) listener(text);
  }

  send(frame: object): void {
    this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.#socket.send(text);
  }

  /** Counts a frame, and sends an acknowledgement once per interval. */
  acknowledge(seq: number): void {
    this.#unacknowledged += 1;
    if (this.#unacknowledged < ackInterval) return;
    this.#unacknowledged = 0;
    this.send({ type: "ack", seq });
  }

  close(): void {
    this.onEnd = () => {};
    this.#socket.close();
  }
}

/** The `seq` of a frame. It is the last member of the frame's JSON. */
export function seqOf(frame: string): number {
  return Number(frame.slice(frame.lastIndexOf(":") + 1, -1));
}
