import { log } from "../../kit/log.ts";
import { callHub } from "../../notifications/hub-client.ts";
import type { RoomRuntime } from "./runtime.ts";
import type { RoomStateStore } from "./state-store.ts";

/** How long the hub tells a room about its owner, in ms: longer than a socket lives. */
const subscriptionMs = 30 * 60_000;

/** The subscription of a room to its owner's hub, which tells it of sign-outs, bans, and changed settings. */
export class HubSubscription {
  readonly #runtime: RoomRuntime;
  readonly #stateStore: RoomStateStore;
  #subscribedUntil = 0;

  constructor(runtime: RoomRuntime, stateStore: RoomStateStore) {
    this.#runtime = runtime;
    this.#stateStore = stateStore;
  }

  /** Subscribes in the background, unless at least half of the last subscription is left. @param requestId the request that opens a socket or starts a turn */
  renew(requestId: string): void {
    const conversation = this.#stateStore.conversation;
    const now = Date.now();
    if (conversation === undefined || now < this.#subscribedUntil - subscriptionMs / 2) return;
    const until = now + subscriptionMs;
    this.#subscribedUntil = until;
    const room = { binding: "CHAT_ROOM" as const, name: String(conversation.id) };
    const ctx = this.#runtime.context(requestId);
    const subscribed = callHub(ctx, conversation.user_id, (hub) => hub.subscribe(room, until)).catch((error: unknown) => {
      this.#subscribedUntil = 0;
      log("warn", "A room could not subscribe to its owner's hub.", { request_id: ctx.requestId, error });
    });
    ctx.waitUntil(subscribed);
  }
}
