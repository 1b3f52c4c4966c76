import { selectSettings, settingsFrom, type TurnSettings } from "../../agent/settings.ts";
import { catalogOf } from "../../catalog/service.ts";
import { commit } from "../../kit/db/commit.ts";
import { selectTurnMemory, turnMemoryFrom } from "../../memory/queries.ts";
import type { TurnMemory } from "../../memory/types.ts";
import { conversationNotFound, selectEdited } from "../queries.ts";
import type { Conversation } from "./conversation.ts";
import type { RoomRuntime } from "./runtime.ts";
import type { ConversationState } from "./state-store.ts";

/** The lifetime of cached settings, and the age at which a turn refreshes them in the background, in ms. */
const lifetimeMs = 60_000;
const refreshAfterMs = 20_000;

/** What a turn needs of its minion. */
export type TurnSources = { settings: TurnSettings; memory: TurnMemory };

/** Caches the settings and the memory of the minion between turns. */
export class SettingsCache {
  readonly #runtime: RoomRuntime;
  readonly #conversation: Conversation;
  #cached: (TurnSources & { at: number }) | undefined;
  /** The last memory that was read. It stays when the cache is cleared: unchanged facts are not read again. */
  #memory: TurnMemory | undefined;
  /** Rises with each clear, so that a read that began before it caches nothing. */
  #generation = 0;

  constructor(runtime: RoomRuntime, conversation: Conversation) {
    this.#runtime = runtime;
    this.#conversation = conversation;
  }

  /**
   * The settings and the memory for a turn. One Postgres round trip if they are not cached.
   * @param requestId the request that starts the turn
   * @throws not_found, account_banned, catalog_unavailable, database_unavailable
   */
  async get(state: ConversationState, requestId: string): Promise<TurnSources> {
    const cached = this.#cached;
    const age = cached === undefined ? Infinity : Date.now() - cached.at;
    if (cached === undefined || age >= lifetimeMs) return this.#read(state, requestId);
    // Refreshes in the background, so that the next turn does not wait.
    if (age >= refreshAfterMs)
      this.#runtime.context(requestId).waitUntil(this.#read(state, requestId).catch(() => this.clear()));
    return cached;
  }

  clear(): void {
    this.#cached = undefined;
    this.#generation += 1;
  }

  /** Reads the settings of the minion together with the edits of the conversation: the room may have missed an edit. */
  async #read({ id, user_id, minion_id }: ConversationState, requestId: string): Promise<TurnSources> {
    const ctx = this.#runtime.context(requestId);
    const generation = this.#generation;
    const known = this.#memory;
    const owner = { userId: user_id, minionId: minion_id };
    const [catalog, [[edited], memoryRows, ...rows]] = await Promise.all([
      catalogOf(ctx),
      commit(ctx, [
        selectEdited(ctx, user_id, id),
        selectTurnMemory(ctx, owner, known),
        ...selectSettings(ctx, user_id, minion_id),
      ]),
    ]);
    if (edited === undefined) throw conversationNotFound();
    const memory = turnMemoryFrom(memoryRows, known);
    const sources = { settings: settingsFrom(catalog, rows), memory };
    this.#memory = memory;
    if (generation === this.#generation) this.#cached = { ...sources, at: Date.now() };
    this.#conversation.update(user_id, edited);
    return sources;
  }
}
