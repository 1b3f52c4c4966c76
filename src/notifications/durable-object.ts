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

/** What happens to one user, told to their devices, and what they spend in a day. Its name is the user's number. */
export class UserHub extends SocketRoom {
  readonly #budget = new DailyQuota(this.ctx.storage.sql);
  readonly #rooms = new WatchedRooms(this.ctx.storage.sql, this.env);

  /** Tells the devices of an event. @param key tells one that was told before, which is not told again */
  push(frame: EventFrame, key?: string): void {
    this.publish(frame, key);
  }

  /** Ends what these devices listen to, or all, here and in the user's rooms; what they still have of tickets is refused. */
  async dismiss(devices: readonly string[] | "all"): Promise<void> {
    if (devices === "all") this.revokeAll();
    else
      for (const device of devices) {
        this.publish({ type: "session_revoked", device } satisfies EventFrame);
        this.revoke(device);
      }
    await this.#rooms.tell((room) => room.dismiss(devices), Date.now());
  }

  /** Something has changed of what the user's rooms keep for a while: they read it anew. */
  async invalidateSettings(): Promise<void> {
    await this.#rooms.tell((room) => room.unsettle(), Date.now());
  }

  /** A room of the user's is to be told of that, until a time in milliseconds since the epoch. */
  subscribe(room: WatchedRoom, until: number): void {
    this.#rooms.watch(room, until);
    this.scheduleAlarm(until);
  }

  /** Takes what somebody is to spend of their day. The same claim is granted once. */
  takeBudget(claim: QuotaRequest): QuotaGrant {
    const granted = this.#budget.take(claim, Date.now());
    const endsAt = this.#budget.endsAt();
    if (endsAt !== undefined) this.scheduleAlarm(endsAt);
    return granted;
  }

  /** Says what was spent of a claim. What is said again, or the day after, changes nothing. */
  settleBudget(id: string, spent: Amounts): void {
    this.#budget.settle(id, spent, Date.now());
  }

  /** What was spent today. */
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
