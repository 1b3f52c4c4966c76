import * as auth from "../auth/errors.ts";
import { objectContext } from "../context.ts";
import { commonConstraintErrors } from "../kit/errors.ts";
import { type Amounts, DailyQuota, type QuotaGrant, type QuotaRequest } from "../kit/daily-quota.ts";
import { SocketRoom, type RoomSocket } from "../kit/socket/socket-room.ts";
import type { TicketHolder } from "../kit/socket/tickets.ts";
import type { EventFrame } from "./protocol.ts";
import { readSnapshot } from "./queries.ts";
import { WatchedRooms, type WatchedRoom } from "./room-subscriptions.ts";
import * as notifications from "./errors.ts";

const constraintErrors = { ...commonConstraintErrors, ...auth.constraintErrors, ...notifications.constraintErrors };

/** Broadcasts the events of one user to their devices and counts the user's daily budget. Its name is the user ID. */
export class UserHub extends SocketRoom {
  readonly #budget = new DailyQuota(this.ctx.storage.sql);
  readonly #rooms = new WatchedRooms(this.ctx.storage.sql, this.env);

  /** Broadcasts an event to the devices. @param key identifies the event; an event with a known key is not sent again */
  push(frame: EventFrame, key?: string): void {
    this.publish(frame, key);
  }

  /** Closes the sockets of these devices, or of all, here and in the user's rooms. Their unused tickets are refused. */
  async disconnectDevices(devices: readonly string[] | "all", requestId: string): Promise<void> {
    if (devices === "all") this.revokeAll();
    else
      for (const device of devices) {
        this.publish({ type: "session_revoked", device } satisfies EventFrame);
        this.revoke(device);
      }
    await this.#rooms.callRooms(requestId, (room) => room.disconnectDevices(devices), Date.now());
  }

  /** Makes the user's rooms read their cached settings again. */
  async invalidateSettings(requestId: string): Promise<void> {
    await this.#rooms.callRooms(requestId, (room) => room.invalidateSettings(), Date.now());
  }

  /** Registers a room for these notices until a time in milliseconds since the epoch. */
  subscribe(room: WatchedRoom, until: number): void {
    this.#rooms.subscribe(room, until);
    this.scheduleAlarm(until);
  }

  /** The names of the rooms that are registered. */
  activeRooms(): string[] {
    return this.#rooms.names(Date.now());
  }

  /** Takes a claim from the user's daily budget. A repeated claim is granted once. */
  takeBudget(claim: QuotaRequest): QuotaGrant {
    const grant = this.#budget.take(claim, Date.now());
    const endsAt = this.#budget.endsAt();
    if (endsAt !== undefined) this.scheduleAlarm(endsAt);
    return grant;
  }

  /** Settles a claim with the amounts that were spent. A repeated settlement, or one on a later day, changes nothing. */
  settleBudget(id: string, spent: Amounts): void {
    this.#budget.settle(id, spent, Date.now());
  }

  /** The amounts that were spent today. */
  spentToday(): Amounts {
    return this.#budget.used(Date.now());
  }

  protected override get deleteWhenEmpty(): boolean {
    return this.nextAlarmAt() === undefined;
  }

  protected override nextAlarmAt(): number | undefined {
    const due = [this.#budget.endsAt(), this.#rooms.endsAt()].filter((at) => at !== undefined);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  protected override onAlarmDue(now: number): void {
    this.#budget.prune(now);
    this.#rooms.prune(now);
  }

  protected override snapshot({ user_id }: TicketHolder): Promise<object> {
    return readSnapshot(objectContext("user-hub", { bindings: this.env, lifetime: this.ctx, constraintErrors }), user_id);
  }

  protected override onDevices(): void {
    this.broadcastState(this.#presence());
  }

  protected override onCaughtUp(socket: RoomSocket): void {
    this.sendTo(socket, this.#presence());
  }

  #presence() {
    return { type: "presence", devices: this.devices() };
  }
}
