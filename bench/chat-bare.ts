import { DurableObject } from "cloudflare:workers";
import { Server, type Connection, type WSMessage } from "partyserver";

/** What our rooms are measured against: the least that does the same. */

const table = "create table if not exists messages (id integer primary key, body text not null)";
const insert = "insert into messages (body) values (?)";

function accept(ctx: DurableObjectState): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  ctx.acceptWebSocket(server);
  return new Response(null, { status: 101, webSocket: client });
}

/** Writes down what it hears, and says it back. */
export class BareRoom extends DurableObject {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    ctx.storage.sql.exec(table);
  }

  override fetch(): Response {
    return accept(this.ctx);
  }

  override webSocketMessage(socket: WebSocket, message: string): void {
    this.ctx.storage.sql.exec(insert, message);
    socket.send(message);
  }
}

/** Says what it hears to everybody, and writes nothing. */
export class BareBroadcast extends DurableObject {
  override fetch(): Response {
    return accept(this.ctx);
  }

  override webSocketMessage(_socket: WebSocket, message: string): void {
    for (const socket of this.ctx.getWebSockets()) socket.send(message);
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

export class BareBroadcast2 extends DurableObject {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    ctx.storage.sql.exec(table);
  }

  override fetch(): Response {
    return accept(this.ctx);
  }

  override webSocketMessage(_socket: WebSocket, message: string): void {
    this.ctx.storage.sql.exec(insert, message);
    for (const socket of this.ctx.getWebSockets()) socket.send(message);
  }
}
