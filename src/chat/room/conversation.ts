import { AppError } from "../../kit/errors.ts";
import { Sharing, type Origin, type Shared } from "./fork-sharing.ts";
import { maxFiles } from "../constants.ts";
import type { Attachment, Message } from "../../agent/types.ts";
import { Notes, type ConversationNotes, type EditedConversation } from "./state-store.ts";
import { Projector } from "../sync/outbox-worker.ts";
import { conversationNotFound, getConversation } from "../queries.ts";
import type { RoomRuntime } from "./runtime.ts";
import { Transcript } from "./message-store.ts";

/** A conversation as its room holds it. What is asked for is refused to anybody but its owner. */
export class Conversation {
  readonly #runtime: RoomRuntime;
  readonly notes: Notes;
  readonly transcript: Transcript;
  readonly projector: Projector;
  readonly sharing: Sharing;
  /** The answer that is being given. */
  underWay: Message | undefined;

  constructor(runtime: RoomRuntime) {
    const { storage } = runtime;
    this.#runtime = runtime;
    this.notes = new Notes(storage.kv);
    this.transcript = new Transcript(storage.sql);
    this.projector = new Projector(storage.sql, runtime);
    this.sharing = new Sharing(runtime, this.notes, this.transcript);
  }

  // ── Messages ───────────────────────────────────────────────────────────────

  async list(userId: number, page: { limit: number; before?: number | undefined }) {
    await this.open(userId);
    return this.show(page);
  }

  /** The last messages before one, as they are at this moment, and how many there are. The first to be awaited is what is shared. */
  async show({
    limit,
    before,
  }: {
    limit: number;
    before?: number | undefined;
  }): Promise<{ messages: Message[]; total: number }> {
    const own = this.transcript.page(limit, before).map((message) => this.#live(message));
    const count = this.transcript.count();
    const { messages: shared } = await this.sharing.shown();
    const earlier = shared.filter(({ id }) => before === undefined || id < before);
    return { messages: [...earlier, ...own].slice(-limit), total: shared.length + count };
  }

  /** What somebody is shown beside the messages. */
  get state() {
    const { title = "", minion_id = 0, pinned_facts = [] } = this.notes.conversation ?? {};
    return { title, minion_id, pinned_facts, is_answering: this.underWay !== undefined };
  }

  async read(userId: number, messageId: number): Promise<Message> {
    await this.open(userId);
    const shared = await this.sharing.shown();
    return this.#live(shared.messages.find(({ id }) => id === messageId) ?? this.transcript.require(messageId));
  }

  /** @throws not_found; conflict for what is no answer, streams, or was confirmed as something else */
  async change(userId: number, messageId: number, change: Partial<Pick<Message, "feedback" | "confirmed">>): Promise<Message> {
    const notes = await this.open(userId);
    await this.sharing.standAlone();
    const message = this.transcript.require(messageId);
    if (message.role !== "assistant" || message.status === "streaming") {
      throw new AppError("conflict", "This is no answer that is complete.");
    }
    const { confirmed } = message;
    if (change.confirmed != null && confirmed !== null) {
      if (confirmed === change.confirmed) return message;
      throw new AppError("conflict", `It is confirmed already, as ${confirmed === "task" ? "a task" : "an error"}.`);
    }
    Object.assign(message, change);
    this.#runtime.publish({
      type: "message.updated",
      message_id: messageId,
      feedback: message.feedback,
      confirmed: message.confirmed,
    });
    this.transcript.put(message, this.#runtime.lastSeq());
    this.projector.add({ kind: "change", of: { ...ofWhom(notes), message } });
    return message;
  }

  /** @throws not_found; conflict where there are too many */
  async attach(userId: number, attachment: Attachment): Promise<Attachment> {
    await this.open(userId);
    if (this.notes.attachments() >= maxFiles) {
      throw new AppError("conflict", `A conversation has at most ${maxFiles} files.`);
    }
    this.notes.attach(attachment);
    return attachment;
  }

  // ── Forks ──────────────────────────────────────────────────────────────────

  async fork(userId: number, messageId: number, into: number): Promise<{ into: number }> {
    await this.open(userId);
    await this.sharing.standAlone();
    if (this.#live(this.transcript.require(messageId)).status === "streaming") {
      throw new AppError("conflict", "This answer is not complete yet.");
    }
    await this.sharing.share({ conversation_id: into, message_id: messageId });
    return { into };
  }

  async descend(userId: number, origin: Origin): Promise<Origin> {
    await this.open(userId);
    this.sharing.descend(origin);
    return origin;
  }

  async prefix(userId: number, upTo: number): Promise<Shared> {
    await this.open(userId);
    await this.sharing.standAlone();
    return this.sharing.prefix(upTo);
  }

  // ── What it is told ────────────────────────────────────────────────────────

  /** Takes note of what was edited, unless it is known, or was edited again. A title that was made here stays until there is another. */
  update(userId: number, { title, pinned_facts, version }: EditedConversation): void {
    const notes = this.notes.conversation;
    if (notes?.user_id !== userId || version <= notes.version) return;
    this.keep({ ...notes, title: title === "" ? notes.title : title, pinned_facts, version });
  }

  /** Learns what conversation this is, if it does not know. @throws not_found for one that is not there, or not theirs */
  async open(userId: number): Promise<ConversationNotes> {
    const known = this.notes.conversation;
    if (known !== undefined && known.user_id !== userId) throw conversationNotFound();
    if (known !== undefined) return known;
    const { id, minion_id, title, pinned_facts, version } = await getConversation(
      this.#runtime.context(),
      userId,
      this.#runtime.id(),
    );
    const notes = { id, user_id: userId, minion_id, title, pinned_facts, version };
    this.notes.keep(notes);
    return notes;
  }

  // ── What turns do with it ──────────────────────────────────────────────────

  /** Keeps what was changed, and tells of it. */
  keep(notes: ConversationNotes): void {
    this.notes.keep(notes);
    this.#runtime.publish({ type: "conversation.updated", title: notes.title, pinned_facts: notes.pinned_facts });
  }

  /** The number of a message that is yet to be said. */
  nextId(): number {
    return this.transcript.nextId(this.#runtime.id(), this.notes.places);
  }

  /** Removes a message and all after it, here and in Postgres. */
  removeFrom(notes: ConversationNotes, messageId: number): void {
    this.notes.removed(messageId, this.transcript.places(notes.id));
    this.transcript.removeFrom(messageId);
    this.#runtime.publish({ type: "messages.removed", from_message_id: messageId });
    const message_count = this.transcript.count();
    this.projector.add({ kind: "removal", of: { ...ofWhom(notes), from_message_id: messageId, message_count } });
  }

  /** A message as it is at this moment, be it under way. */
  #live(message: Message): Message {
    return this.underWay?.id === message.id ? structuredClone(this.underWay) : message;
  }
}

/** Whose conversation it is, for Postgres. */
export const ofWhom = ({ id, user_id, minion_id }: ConversationNotes) => ({ conversation_id: id, user_id, minion_id });
