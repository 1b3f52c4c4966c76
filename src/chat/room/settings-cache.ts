import { selectSettings, settingsFrom, type TurnSettings } from "../../agent/settings.ts";
import { catalogOf } from "../../catalog/service.ts";
import { commit } from "../../kit/db/commit.ts";
import { conversationNotFound, selectEdited } from "../queries.ts";
import type { Conversation } from "./conversation.ts";
import type { RoomRuntime } from "./runtime.ts";
import type { ConversationState } from "./state-store.ts";

/** The lifetime of cached settings, and the age at which a turn refreshes them in the background, in ms. */
const lifetimeMs = 60_000;
const refreshAfterMs = 20_000;

/** Caches the settings of the minion between turns. */
export class SettingsCache {
  readonly #runtime: RoomRuntime;
  readonly #conversation: Conversation;
  #cached: { settings: TurnSettings; at: number } | undefined;

  constructor(runtime: RoomRuntime, conversation: Conversation) {
    this.#runtime = runtime;
    this.#conversation = conversation;
  }

  /**
   * The settings for a turn. One Postgres round trip if they are not cached.
   * @param requestId the request that starts the turn
   * @throws not_found, account_banned, catalog_unavailable, database_unavailable
   */
  async get(state: ConversationState, requestId: string): Promise<TurnSettings> {
    const cached = this.#cached;
    const age = cached === undefined ? Infinity : Date.now() - cached.at;
    if (cached === undefined || age >= lifetimeMs) return this.#read(state, requestId);
    // Refreshes in the background, so that the next turn does not wait.
    if (age >= refreshAfterMs)
      this.#runtime.context(requestId).waitUntil(this.#read(state, requestId).catch(() => this.clear()));
    return cached.settings;
  }

  clear(): void {
    this.#cached = undefined;
  }

  /** Reads the settings of the minion together with the edits of the conversation: the room may have missed an edit. */
  async #read({ id, user_id, minion_id }: ConversationState, requestId: string): Promise<TurnSettings> {
    const ctx = this.#runtime.context(requestId);
    const [catalog, [[edited], ...rows]] = await Promise.all([
      catalogOf(ctx),
      commit(ctx, [selectEdited(ctx, user_id, id), ...selectSettings(ctx, user_id, minion_id)]),
    ]);
    if (edited === undefined) throw conversationNotFound();
    const settings = settingsFrom(catalog, rows);
    this.#cached = { settings, at: Date.now() };
    this.#conversation.update(user_id, edited);
    return settings;
  }
}
