import type { Attachment, Summary } from "../../agent/types.ts";

/** What a room knows of its conversation, as Postgres has it. */
export type ConversationState = EditedConversation & { id: number; user_id: number; minion_id: number };

/** What its owner edits of a conversation; of two, the one with the greater version is newer. */
export type EditedConversation = { title: string; pinned_facts: string[]; version: number };

const conversationKey = "conversation";
const summaryKey = "summary";
const placesKey = "places";
const attachmentKey = (id: string) => `attachment:${id}`;

/** What a room keeps beside its messages, its frames and its outbox. Reading creates nothing. */
export class RoomStateStore {
  readonly #kv: SyncKvStorage;

  constructor(kv: SyncKvStorage) {
    this.#kv = kv;
  }

  /** Undefined for a room that was never asked for, or whose conversation is deleted. */
  get conversation(): ConversationState | undefined {
    return this.#kv.get<ConversationState>(conversationKey);
  }

  save(conversation: ConversationState): void {
    this.#kv.put(conversationKey, conversation);
  }

  /** What stands for the oldest messages. */
  get summary(): Summary | null {
    return this.#kv.get<Summary>(summaryKey) ?? null;
  }

  saveSummary(summary: Summary): void {
    this.#kv.put(summaryKey, summary);
  }

  /** Messages from this one on are removed: what sums them up is wrong now, and their places are never taken again. */
  recordRemoval(fromId: number, places: number): void {
    const { summary } = this;
    if (summary !== null && summary.up_to >= fromId) this.#kv.delete(summaryKey);
    this.#kv.put(placesKey, Math.max(places, this.removedOrdinal));
  }

  /** The last place that was taken by a message which is removed. */
  get removedOrdinal(): number {
    return this.#kv.get<number>(placesKey) ?? 0;
  }

  attach(attachment: Attachment): void {
    this.#kv.put(attachmentKey(attachment.id), attachment);
  }

  /** How many files are attached. */
  attachments(): number {
    return Array.from(this.#kv.list({ prefix: attachmentKey("") })).length;
  }

  attachment(id: string): Attachment | undefined {
    return this.#kv.get<Attachment>(attachmentKey(id));
  }
}
