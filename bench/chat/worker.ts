import { connectSocket } from "../../src/kit/socket/upgrade.ts";
import { roomSettings, SocketRoom, type RoomSettings } from "../../src/kit/socket/socket-room.ts";
import type { TicketClaims } from "../../src/kit/socket/tickets.ts";
import type { MeteredRoom } from "./metered-room.ts";

export * from "../../src/objects.ts";
export { BaselineBroadcast, BaselineEcho, PartyserverEcho, RawRelay, SdkRelay, TransientBroadcast } from "./baseline.ts";
export { MeteredRoom } from "./metered-room.ts";

/** A socket room that broadcasts each message, and does nothing else. */
export class EchoRoom extends SocketRoom {
  protected override get settings(): RoomSettings {
    // The rate limit of one user would limit the measured throughput.
    return { ...roomSettings, rateMessages: Infinity };
  }

  protected override async snapshot(): Promise<object> {
    return {};
  }

  protected override onFrame(_socket: unknown, { type, text }: { type: string; text: string }): void {
    this.publish({ type, text });
  }
}

/** Opens a socket to `/<binding>/<name>`. With `user`, it connects as the production Worker does after it has read a ticket. */
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const [, binding = "", name = "", method] = pathname.split("/");
    if (method === "billed") return Response.json(await env.METERED_ROOM.getByName(name).takeBilledUnits());
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
