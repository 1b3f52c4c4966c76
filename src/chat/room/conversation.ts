import { AppError } from "../../kit/errors.ts";
import type { FoundMessage } from "../../hook-types.ts";
import { ForkSharing, type ForkOrigin, type InheritedMessages } from "./fork-sharing.ts";
import { maxFiles } from "../constants.ts";
import type { Attachment, Message } from "../../agent/types.ts";
import { RoomStateStore, type ConversationState, type EditedConversation } from "./state-store.ts";
import type { Entry } from "../sync/outbox.ts";
import { OutboxWorker } from "../sync/outbox-worker.ts";
import { conversationNotFound, getConversation } from "../queries.ts";
import type { RoomActivity, RoomCaller } from "./client.ts";
import type { RoomRuntime } from "./runtime.ts";
import { MessageStore } from "./message-store.ts";

/** The state of a conversation in its room. Only its owner has access. */
export class Conversation {
  readonly #runtime: RoomRuntime;
  readonly stateStore: RoomStateStore;
  readonly transcript: MessageStore;
  readonly projector: OutboxWorker;
  readonly forks: ForkSharing;
  /** The running answer. */
  activeAnswer: Message | undefined;

  constructor(runtime: RoomRuntime) {
    const { storage } = runtime;
    this.#runtime = runtime;
    this.stateStore = new RoomStateStore(storage.kv);
    this.transcript = new MessageStore(storage.sql);
    this.projector = new OutboxWorker(storage.sql, runtime);
    this.forks = new ForkSharing(runtime, this.stateStore, this.transcript);
  }

  // ── Messages ───────────────────────────────────────────────────────────────

  async list(userId: number, page: { limit: number; before?: number | undefined }) {
    await this.requireOwner(userId);
    return this.listWithShared(page);
  }

  /** The last messages before a message, including inherited ones, and the total number. Own messages are read before the first await. */
  async listWithShared({
    limit,
    before,
  }: {
    limit: number;
    before?: number | undefined;
  }): Promise<{ messages: Message[]; total: number }> {
    const own = this.transcript.before(limit, before).map((message) => this.#withActiveAnswer(message));
    const count = this.transcript.count();
    const { messages: inherited } = await this.forks.inherited();
    const earlier = inherited.filter(({ id }) => before === undefined || id < before);
    return { messages: [...earlier, ...own].slice(-limit), total: inherited.length + count };
  }

  /** The state that clients receive in addition to the messages. */
  get state() {
    const { title = "", minion_id = 0, temporary = false, pinned_facts = [] } = this.stateStore.conversation ?? {};
    return { title, minion_id, temporary, pinned_facts, is_answering: this.activeAnswer !== undefined };
  }

  /** The activity, for the owner. Another user's, or a deleted one's, is none. */
  activity(userId: number): RoomActivity {
    const last = this.transcript.last()?.message;
    if (this.stateStore.conversation?.user_id !== userId || last === undefined)
      return { is_answering: false, changed_at: null };
    const changed_at = Date.parse(last.completed_at ?? last.created_at);
    return { is_answering: this.activeAnswer !== undefined, changed_at };
  }

  async read(userId: number, messageId: number): Promise<Message> {
    await this.requireOwner(userId);
    const inherited = await this.forks.inherited();
    return this.#withActiveAnswer(inherited.messages.find(({ id }) => id === messageId) ?? this.transcript.require(messageId));
  }

  /** Where a message is. @throws not_found */
  async find(userId: number, messageId: number): Promise<FoundMessage> {
    await this.read(userId, messageId);
    const { id, minion_id, temporary = false } = await this.requireOwner(userId);
    return { conversation_id: id, minion_id, temporary };
  }

  /** @throws not_found; conflict if the message is not a finished answer, or is confirmed as another kind */
  async change(
    caller: RoomCaller,
    messageId: number,
    change: Partial<Pick<Message, "feedback" | "confirmed">>,
  ): Promise<Message> {
    const state = await this.requireOwner(caller.user_id);
    await this.forks.detachFromOrigin();
    const message = this.transcript.require(messageId);
    if (message.role !== "assistant" || message.status === "streaming") {
      throw new AppError("conflict", "Only a finished answer can be rated or confirmed.");
    }
    const { confirmed } = message;
    if (change.confirmed != null && confirmed !== null) {
      if (confirmed === change.confirmed) return message;
      throw new AppError(
        "conflict",
        `This answer is already confirmed as ${confirmed === "task" ? "a completed task" : "a fixed error"}.`,
      );
    }
    Object.assign(message, change);
    this.#runtime.publish({
      type: "message.updated",
      message_id: messageId,
      feedback: message.feedback,
      confirmed: message.confirmed,
    });
    this.transcript.put(message, this.#runtime.lastSeq());
    this.projector.add({ kind: "change", of: { ...projectionOwner(state), message }, request_id: caller.request_id });
    return message;
  }

  /** @throws not_found; conflict if the file limit is reached */
  async attach(userId: number, attachment: Attachment): Promise<Attachment> {
    await this.requireOwner(userId);
    if (this.stateStore.attachments() >= maxFiles) {
      throw new AppError("conflict", `File limit reached (${maxFiles}). Attach the file to a new conversation.`);
    }
    this.stateStore.attach(attachment);
    return attachment;
  }

  // ── Forks ──────────────────────────────────────────────────────────────────

  async fork(caller: RoomCaller, messageId: number, into: number): Promise<{ into: number }> {
    await this.requireOwner(caller.user_id);
    await this.forks.detachFromOrigin();
    if (this.#withActiveAnswer(this.transcript.require(messageId)).status === "streaming") {
      throw new AppError("conflict", "The answer is not finished. Wait for it, or stop it, then fork.");
    }
    await this.forks.fork({ conversation_id: into, message_id: messageId }, caller);
    return { into };
  }

  async startAsFork(userId: number, origin: ForkOrigin): Promise<ForkOrigin> {
    await this.requireOwner(userId);
    this.forks.startAsFork(origin);
    return origin;
  }

  async sharedMessages(userId: number, upTo: number): Promise<InheritedMessages> {
    await this.requireOwner(userId);
    await this.forks.detachFromOrigin();
    return this.forks.sharedMessages(upTo);
  }

  // ── State ──────────────────────────────────────────────────────────────────

  /** Applies an edit, unless the room has the same or a newer version. An empty title keeps the generated one. */
  update(userId: number, { title, pinned_facts, version }: EditedConversation): void {
    const state = this.stateStore.conversation;
    if (state?.user_id !== userId || version <= state.version) return;
    this.saveAndPublish({ ...state, title: title === "" ? state.title : title, pinned_facts, version });
  }

  /** The conversation, from storage or Postgres. @throws not_found if it does not exist or belongs to another user */
  async requireOwner(userId: number): Promise<ConversationState> {
    const known = this.stateStore.conversation;
    if (known !== undefined && known.user_id !== userId) throw conversationNotFound();
    if (known !== undefined) return known;
    const { id, minion_id, temporary, title, pinned_facts, version } = await getConversation(
      this.#runtime.context(),
      userId,
      this.#runtime.id(),
    );
    const state = { id, user_id: userId, minion_id, temporary, title, pinned_facts, version };
    this.stateStore.save(state);
    return state;
  }

  // ── For turns ──────────────────────────────────────────────────────────────

  /** Stores a change and publishes it. */
  saveAndPublish(state: ConversationState): void {
    this.stateStore.save(state);
    this.#runtime.publish({ type: "conversation.updated", title: state.title, pinned_facts: state.pinned_facts });
  }

  /** The ID of the next message. */
  nextId(): number {
    return this.transcript.nextId(this.#runtime.id(), this.stateStore.removedOrdinal);
  }

  /** Removes a message and all later ones, here and in Postgres. */
  removeFrom(state: ConversationState, messageId: number, requestId: string): void {
    this.stateStore.recordRemoval(messageId, this.transcript.lastOrdinal(state.id));
    this.transcript.removeFrom(messageId);
    this.#runtime.publish({ type: "messages.removed", from_message_id: messageId });
    const message_count = this.transcript.count();
    const of = { ...projectionOwner(state), from_message_id: messageId, message_count };
    this.projector.add({ kind: "removal", of, request_id: requestId });
  }

  // ── Entries that were set aside ────────────────────────────────────────────

  /** Writes an entry that was set aside, as the conversation is now. @throws conflict if Postgres still refuses it */
  async writeSetAside({ user_id, request_id }: RoomCaller, entryId: number): Promise<{ entry_id: number }> {
    await this.requireOwner(user_id);
    await this.projector.writeSetAside(entryId, request_id, (entry) => this.#updated(entry));
    return { entry_id: entryId };
  }

  /** Brings an old entry up to date, so that it overwrites nothing that was written since. */
  #updated({ kind, of }: Entry): Entry {
    const message_count = this.transcript.count();
    if (kind === "turn") {
      const removed_ids = of.messages.map(({ id }) => id).filter((id) => this.transcript.get(id) === undefined);
      return { kind, of: { ...of, message_count, removed_ids } };
    }
    if (kind === "change") return { kind, of: { ...of, message: this.transcript.get(of.message.id) ?? of.message } };
    if (kind === "report") return { kind, of };
    const [next] = this.transcript.after(of.from_message_id - 1);
    return { kind, of: { ...of, message_count, until_message_id: next?.id } };
  }

  /** A message in its current state: the running answer is in memory. */
  #withActiveAnswer(message: Message): Message {
    return this.activeAnswer?.id === message.id ? structuredClone(this.activeAnswer) : message;
  }
}

/** The conversation and its owner, for Postgres. */
export const projectionOwner = ({ id, user_id, minion_id }: ConversationState) => ({ conversation_id: id, user_id, minion_id });
