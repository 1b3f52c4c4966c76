import { once } from "node:events";
import { connect, type Socket } from "node:net";

const headEnd = Buffer.from("\r\n\r\n");

/** A GET request, and the status that every response must have. */
export interface Target {
  url: URL;
  headers: Record<string, string>;
  status: number;
}

/** A keep-alive connection that repeats one GET. It does only the minimum of HTTP/1.1, so that its own cost stays small. */
export class Connection {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #status: number;
  #unread = Buffer.alloc(0);
  #head = "";
  /** Remaining bytes of the body. Undefined while the head is incomplete. */
  #remaining: number | undefined;
  #settle: { resolve: (head: string) => void; reject: (error: Error) => void } | undefined;

  static async open(target: Target): Promise<Connection> {
    const socket = connect({ host: target.url.hostname, port: Number(target.url.port), noDelay: true });
    await once(socket, "connect");
    return new Connection(socket, target);
  }

  private constructor(socket: Socket, { url, headers, status }: Target) {
    const lines = Object.entries({ host: url.host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#request = Buffer.from(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}\r\n`);
    this.#status = status;
    this.#socket = socket;
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", (error) => this.#settle?.reject(error));
    socket.on("close", () => this.#settle?.reject(new Error(`${url.origin} closed the connection.`)));
  }

  /**
   * Sends the request and waits for the complete response.
   *
   * @returns the status line and the headers
   * @throws Error for an unexpected status or a broken connection
   */
  exchange(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(this.#request);
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    let bodyBytes = chunk.length;
    if (this.#remaining === undefined) {
      const received = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
      const end = received.indexOf(headEnd);
      if (end === -1) {
        this.#unread = received;
        return;
      }
      this.#unread = Buffer.alloc(0);
      this.#head = received.latin1Slice(0, end);
      this.#remaining = Number(/\r\ncontent-length: (\d+)/i.exec(this.#head)?.[1] ?? 0);
      bodyBytes = received.length - end - headEnd.length;
    }
    this.#remaining -= bodyBytes;
    if (this.#remaining > 0) return;
    this.#remaining = undefined;
    if (this.#head.startsWith(`HTTP/1.1 ${this.#status} `)) this.#settle?.resolve(this.#head);
    else this.#settle?.reject(new Error(`Expected status ${this.#status}, received ${this.#head}`));
  }
}
