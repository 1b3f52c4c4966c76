import { DurableObject } from "cloudflare:workers";
import { languageCandidate } from "../../src/models/registry.ts";
import { Server, type Connection, type WSMessage } from "partyserver";

/** What our rooms are measured against: the least that does the same. */

const table = "create table if not exists messages (id integer primary key, body text not null)";
const insert = "insert into messages (body) values (?)";

/** Lets everybody in. */
class Bare<Env = unknown> extends DurableObject<Env> {
  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }
}

/** With a table for what it hears. */
class BareKeeper extends Bare {
  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    ctx.storage.sql.exec(table);
  }
}

/** Writes down what it hears, and says it back. */
export class BareRoom extends BareKeeper {
  override webSocketMessage(socket: WebSocket, message: string): void {
    this.ctx.storage.sql.exec(insert, message);
    socket.send(message);
  }
}

/** Writes down what it hears, and says it to everybody. */
export class BareBroadcast extends BareKeeper {
  override webSocketMessage(_socket: WebSocket, message: string): void {
    this.ctx.storage.sql.exec(insert, message);
    for (const socket of this.ctx.getWebSockets()) socket.send(message);
  }
}

/** Says what it hears to everybody, and writes nothing: who is told of it may be told of what is lost. */
export class ForgetfulBroadcast extends Bare {
  override webSocketMessage(_socket: WebSocket, message: string): void {
    for (const socket of this.ctx.getWebSockets()) socket.send(message);
  }
}

/** Asks a provider by its SDK, and passes what it says on. */
export class SdkRelay extends Bare<{ PROVIDER_URL: string }> {
  override async webSocketMessage(socket: WebSocket, text: string): Promise<void> {
    const model = await languageCandidate("custom/fast", { baseUrl: this.env.PROVIDER_URL }).open();
    const { stream } = await model.doStream({ prompt: [{ role: "user", content: [{ type: "text", text }] }] });
    for await (const part of stream) {
      if (part.type === "text-delta") socket.send(part.delta);
      if (part.type === "finish") socket.send("");
    }
  }
}

/** As the bare room, by partyserver. */
export class PartyRoom extends Server {
  static override options = { hibernate: true };

  override onStart(): void {
    this.ctx.storage.sql.exec(table);
  }

  override onMessage(socket: Connection, message: WSMessage): void {
    this.ctx.storage.sql.exec(insert, message);
    socket.send(message);
  }
}

/** Asks a provider what it is told to ask, and passes each event of the answer on. */
export class BareRelay extends Bare<{ PROVIDER_URL: string }> {
  override async webSocketMessage(socket: WebSocket, message: string): Promise<void> {
    const reply = await fetch(`${this.env.PROVIDER_URL}/chat/completions`, { method: "POST", body: message });
    let unread = "";
    for await (const piece of reply.body!.pipeThrough(new TextDecoderStream())) {
      const events = (unread + piece).split("\n\n");
      unread = events.pop()!;
      for (const event of events) socket.send(event);
    }
  }
}
