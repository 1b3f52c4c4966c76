import { AppError } from "../../kit/errors.ts";
import { ForkSharing, type ForkOrigin, type InheritedMessages } from "./fork-sharing.ts";
import { maxFiles } from "../constants.ts";
import type { Attachment, Message } from "../../agent/types.ts";
import { RoomStateStore, type ConversationState, type EditedConversation } from "./state-store.ts";
import { OutboxWorker } from "../sync/outbox-worker.ts";
import { conversationNotFound, getConversation } from "../queries.ts";
import type { RoomRuntime } from "./runtime.ts";
import { MessageStore } from "./message-store.ts";

/** A conversation as its room holds it. What is asked for is refused to anybody but its owner. */
export class Conversation {
  readonly #runtime: RoomRuntime;
  readonly stateStore: RoomStateStore;
  readonly transcript: MessageStore;
  readonly projector: OutboxWorker;
  readonly forks: ForkSharing;
  /** The answer that is being given. */
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

  /** The last messages before one, as they are at this moment, and how many there are. The first to be awaited is what is shared. */
  async listWithShared({
    limit,
    before,
  }: {
    limit: number;
    before?: number | undefined;
  }): Promise<{ messages: Message[]; total: number }> {
    const own = this.transcript.before(limit, before).map((message) => this.#withActiveAnswer(message));
    const count = this.transcript.count();
    const { messages: shared } = await this.forks.inherited();
    const earlier = shared.filter(({ id }) => before === undefined || id < before);
    return { messages: [...earlier, ...own].slice(-limit), total: shared.length + count };
  }

  /** What somebody is shown beside the messages. */
  get state() {
    const { title = "", minion_id = 0, pinned_facts = [] } = this.stateStore.conversation ?? {};
    return { title, minion_id, pinned_facts, is_answering: this.activeAnswer !== undefined };
  }

  async read(userId: number, messageId: number): Promise<Message> {
    await this.requireOwner(userId);
    const shared = await this.forks.inherited();
    return this.#withActiveAnswer(shared.messages.find(({ id }) => id === messageId) ?? this.transcript.require(messageId));
  }

  /** @throws not_found; conflict for what is no answer, streams, or was confirmed as something else */
  async change(userId: number, messageId: number, change: Partial<Pick<Message, "feedback" | "confirmed">>): Promise<Message> {
    const notes = await this.requireOwner(userId);
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
    this.projector.add({ kind: "change", of: { ...projectionOwner(notes), message } });
    return message;
  }

  /** @throws not_found; conflict where there are too many */
  async attach(userId: number, attachment: Attachment): Promise<Attachment> {
    await this.requireOwner(userId);
    if (this.stateStore.attachments() >= maxFiles) {
      throw new AppError("conflict", `File limit reached (${maxFiles}). Attach the file to a new conversation.`);
    }
    this.stateStore.attach(attachment);
    return attachment;
  }

  // ── Forks ──────────────────────────────────────────────────────────────────

  async fork(userId: number, messageId: number, into: number): Promise<{ into: number }> {
    await this.requireOwner(userId);
    await this.forks.detachFromOrigin();
    if (this.#withActiveAnswer(this.transcript.require(messageId)).status === "streaming") {
      throw new AppError("conflict", "The answer is not finished. Wait for it, or stop it, then fork.");
    }
    await this.forks.fork({ conversation_id: into, message_id: messageId });
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

  // ── What it is told ────────────────────────────────────────────────────────

  /** Takes note of what was edited, unless it is known, or was edited again. A title that was made here stays until there is another. */
  update(userId: number, { title, pinned_facts, version }: EditedConversation): void {
    const notes = this.stateStore.conversation;
    if (notes?.user_id !== userId || version <= notes.version) return;
    this.saveAndPublish({ ...notes, title: title === "" ? notes.title : title, pinned_facts, version });
  }

  /** Learns what conversation this is, if it does not know. @throws not_found for one that is not there, or not theirs */
  async requireOwner(userId: number): Promise<ConversationState> {
    const known = this.stateStore.conversation;
    if (known !== undefined && known.user_id !== userId) throw conversationNotFound();
    if (known !== undefined) return known;
    const { id, minion_id, title, pinned_facts, version } = await getConversation(
      this.#runtime.context(),
      userId,
      this.#runtime.id(),
    );
    const notes = { id, user_id: userId, minion_id, title, pinned_facts, version };
    this.stateStore.save(notes);
    return notes;
  }

  // ── What turns do with it ──────────────────────────────────────────────────

  /** Keeps what was changed, and tells of it. */
  saveAndPublish(notes: ConversationState): void {
    this.stateStore.save(notes);
    this.#runtime.publish({ type: "conversation.updated", title: notes.title, pinned_facts: notes.pinned_facts });
  }

  /** The number of a message that is yet to be said. */
  nextId(): number {
    return this.transcript.nextId(this.#runtime.id(), this.stateStore.removedOrdinal);
  }

  /** Removes a message and all after it, here and in Postgres. */
  removeFrom(notes: ConversationState, messageId: number): void {
    this.stateStore.recordRemoval(messageId, this.transcript.lastOrdinal(notes.id));
    this.transcript.removeFrom(messageId);
    this.#runtime.publish({ type: "messages.removed", from_message_id: messageId });
    const message_count = this.transcript.count();
    this.projector.add({ kind: "removal", of: { ...projectionOwner(notes), from_message_id: messageId, message_count } });
  }

  /** A message as it is at this moment, be it under way. */
  #withActiveAnswer(message: Message): Message {
    return this.activeAnswer?.id === message.id ? structuredClone(this.activeAnswer) : message;
  }
}

/** Whose conversation it is, for Postgres. */
export const projectionOwner = ({ id, user_id, minion_id }: ConversationState) => ({ conversation_id: id, user_id, minion_id });
