import { objectContext } from "../context.ts";
import { SocketRoom, type RoomSocket } from "../kit/socket.ts";
import type { TicketHolder } from "../kit/tickets.ts";
import type { EventFrame } from "./protocol.ts";
import { readSnapshot } from "./service.ts";

/** What happens to one user, told to their devices. Its name is the user's number. */
export class UserHub extends SocketRoom {
  /** Tells the devices of an event. @param key tells one that was told before, which is not told again */
  tell(frame: EventFrame, key?: string): void {
    this.publish(frame, key);
  }

  /** Ends what these devices listen to, or all; what they still have of tickets is refused. */
  dismiss(devices: readonly string[] | "all"): void {
    if (devices === "all") return this.revokeAll();
    for (const device of devices) {
      this.publish({ type: "session_revoked", device } satisfies EventFrame);
      this.revoke(device);
    }
  }

  protected override get isTransient(): boolean {
    return true;
  }

  protected override snapshot({ user_id }: TicketHolder): Promise<object> {
    return readSnapshot(objectContext("user-hub", this.env, this.ctx), user_id);
  }

  protected override onDevices(): void {
    this.announce(this.#presence());
  }

  protected override onCurrent(socket: RoomSocket): void {
    this.send(socket, this.#presence());
  }

  #presence() {
    return { type: "presence", devices: this.devices() };
  }
}
