import { DurableObject } from "cloudflare:workers";
import { Server, type Connection, type WSMessage } from "partyserver";
import { languageCandidate } from "../../src/models/providers/registry.ts";

/** Durable Objects with the minimum of code for each measured task. */

const table = "create table if not exists messages (id integer primary key, body text not null)";
const insert = "insert into messages (body) values (?)";

/** Accepts every WebSocket. */
class SocketObject<Env = unknown> extends DurableObject<Env> {
  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }
}

/** Has a table of messages. */
class StoringObject extends SocketObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    ctx.storage.sql.exec(table);
  }
}

/** Stores each message and sends it back. */
export class BaselineEcho extends StoringObject {
  override webSocketMessage(socket: WebSocket, message: string): void {
    this.ctx.storage.sql.exec(insert, message);
    socket.send(message);
  }
}

/** Stores each message and sends it to every socket. */
export class BaselineBroadcast extends StoringObject {
  override webSocketMessage(_socket: WebSocket, message: string): void {
    this.ctx.storage.sql.exec(insert, message);
    for (const socket of this.ctx.getWebSockets()) socket.send(message);
  }
}

/** Sends each message to every socket and stores nothing, so that clients may receive a message that a crash loses. */
export class TransientBroadcast extends SocketObject {
  override webSocketMessage(_socket: WebSocket, message: string): void {
    for (const socket of this.ctx.getWebSockets()) socket.send(message);
  }
}

/** Stores each message and sends it back, with partyserver. */
export class PartyserverEcho extends Server {
  static override options = { hibernate: true };

  override onStart(): void {
    this.ctx.storage.sql.exec(table);
  }

  override onMessage(socket: Connection, message: WSMessage): void {
    this.ctx.storage.sql.exec(insert, message);
    socket.send(message);
  }
}

/** Calls a provider with its SDK and forwards each text delta. An empty message ends the answer. */
export class SdkRelay extends SocketObject<{ PROVIDER_URL: string }> {
  override async webSocketMessage(socket: WebSocket, text: string): Promise<void> {
    const model = await languageCandidate("custom/fast", { baseUrl: this.env.PROVIDER_URL }).open();
    const { stream } = await model.doStream({ prompt: [{ role: "user", content: [{ type: "text", text }] }] });
    for await (const part of stream) {
      if (part.type === "text-delta") socket.send(part.delta);
      if (part.type === "finish") socket.send("");
    }
  }
}

/** Sends each message to a provider as the body of a request, and forwards the events of the response unparsed. */
export class RawRelay extends SocketObject<{ PROVIDER_URL: string }> {
  override async webSocketMessage(socket: WebSocket, message: string): Promise<void> {
    const response = await fetch(`${this.env.PROVIDER_URL}/chat/completions`, { method: "POST", body: message });
    let unread = "";
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      const events = (unread + piece).split("\n\n");
      unread = events.pop()!;
      for (const event of events) socket.send(event);
    }
  }
}
