import type { MeteredRoom } from "./chat-metered.ts";
import { connectSocket } from "../src/kit/socket/upgrade.ts";
import { roomSettings, SocketRoom, type RoomSettings } from "../src/kit/socket/socket-room.ts";
import type { TicketClaims } from "../src/kit/socket/tickets.ts";

export { ChatRoom } from "../src/chat/room/durable-object.ts";
export { SignInGate } from "../src/limits/durable-object.ts";
export { UserHub } from "../src/notifications/durable-object.ts";
export { BareBroadcast, BareRelay, BareRoom, ForgetfulBroadcast, SdkRelay, PartyRoom } from "./chat-bare.ts";
export { MeteredRoom } from "./chat-metered.ts";

/** A room of ours that tells everyone what it hears, and nothing else. */
export class KitRoom extends SocketRoom {
  protected override get settings(): RoomSettings {
    // How fast it can be is what is measured, not how fast one user may be.
    return { ...roomSettings, rateMessages: Infinity };
  }

  protected override async snapshot(): Promise<object> {
    return {};
  }

  protected override onFrame(_socket: unknown, { type, text }: { type: string; text: string }): void {
    this.publish({ type, text });
  }
}

/** Opens a socket to `/<binding>/<name>`: to our rooms as the production Worker does, which has read a ticket before. */
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const [, binding = "", name = "", method] = pathname.split("/");
    if (method === "billed") return Response.json(await env.METERED_ROOM.getByName(name).billed());
    const rooms = env[binding]!;
    if (!searchParams.has("user")) return rooms.getByName(name).fetch(request);
    const claims: TicketClaims = {
      user_id: Number(searchParams.get("user")),
      device: "session:1",
      label: "bench",
      resource: name,
      jti: crypto.getRandomValues(new Uint32Array(1))[0]!,
      expires_at: Date.now() + 60_000,
    };
    const after = searchParams.get("after");
    return connectSocket(rooms, name, { claims, after: after === null ? undefined : Number(after) }, "bench");
  },
} satisfies ExportedHandler<Record<string, DurableObjectNamespace> & { METERED_ROOM: DurableObjectNamespace<MeteredRoom> }>;
