import { once } from "node:events";
import { WebSocket } from "ws";

/** Frames that a client reads before it says so. */
const ackEvery = 64;

/** A socket that counts what comes, and acknowledges what has a number. */
export class ChatClient {
  readonly #socket: WebSocket;
  #unacknowledged = 0;
  #onText: ((text: string) => void) | undefined;
  readonly #unheard: string[] = [];
  /** Called with why nothing more will come. */
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
      if (this.#onText === undefined) this.#unheard.push(data.toString());
      else this.#onText(data.toString());
    });
    socket.on("close", (code, reason) => this.onEnd(new Error(`A socket was closed: ${code} ${reason.toString()}`)));
    socket.on("error", (error) => this.onEnd(error));
  }

  /** Called with everything that comes, and what came before somebody listened. */
  set onText(hear: (text: string) => void) {
    this.#onText = hear;
    for (const text of this.#unheard.splice(0)) hear(text);
  }

  send(frame: object): void {
    this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.#socket.send(text);
  }

  /** Takes note of a frame that was read, and says so now and then. */
  hasRead(seq: number): void {
    this.#unacknowledged += 1;
    if (this.#unacknowledged < ackEvery) return;
    this.#unacknowledged = 0;
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
