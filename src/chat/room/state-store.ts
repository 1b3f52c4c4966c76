import type { Attachment, Summary } from "../../agent/types.ts";

/** The conversation as stored in Postgres. */
export type ConversationState = EditedConversation & {
  id: number;
  user_id: number;
  minion_id: number;
  /** Absent in the state of older rooms, whose conversations are not temporary. */
  temporary?: boolean;
};

/** The fields of a conversation that its owner edits. The greater version is newer. */
export type EditedConversation = { title: string; pinned_facts: string[]; version: number };

const conversationKey = "conversation";
const summaryKey = "summary";
const removedOrdinalKey = "places";
const attachmentKey = (id: string) => `attachment:${id}`;

/** The state of a room besides its messages, frames and outbox. Reading creates nothing. */
export class RoomStateStore {
  readonly #kv: SyncKvStorage;

  constructor(kv: SyncKvStorage) {
    this.#kv = kv;
  }

  /** Undefined for a new room, or if the conversation is deleted. */
  get conversation(): ConversationState | undefined {
    return this.#kv.get<ConversationState>(conversationKey);
  }

  save(conversation: ConversationState): void {
    this.#kv.put(conversationKey, conversation);
  }

  /** The summary that replaces the oldest messages in prompts. */
  get summary(): Summary | null {
    return this.#kv.get<Summary>(summaryKey) ?? null;
  }

  saveSummary(summary: Summary): void {
    this.#kv.put(summaryKey, summary);
  }

  /** Records the removal of this message and all later ones: a summary of them is deleted, and their ordinals are never reused. */
  recordRemoval(fromId: number, lastOrdinal: number): void {
    const { summary } = this;
    if (summary !== null && summary.up_to >= fromId) this.#kv.delete(summaryKey);
    this.#kv.put(removedOrdinalKey, Math.max(lastOrdinal, this.removedOrdinal));
  }

  /** The last ordinal of a removed message. */
  get removedOrdinal(): number {
    return this.#kv.get<number>(removedOrdinalKey) ?? 0;
  }

  attach(attachment: Attachment): void {
    this.#kv.put(attachmentKey(attachment.id), attachment);
  }

  /** The number of attached files. */
  attachments(): number {
    return Array.from(this.#kv.list({ prefix: attachmentKey("") })).length;
  }

  attachment(id: string): Attachment | undefined {
    return this.#kv.get<Attachment>(attachmentKey(id));
  }
}
