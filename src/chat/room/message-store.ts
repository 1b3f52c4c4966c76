import { AppError } from "../../kit/errors.ts";
import { conversationOf, toMessageId, maxMessageOrdinal } from "../constants.ts";
import type { Message } from "../../agent/types.ts";
import { readStored, writeStored } from "../../agent/message/codec.ts";

type Row = { id: number; seq: number; client_id: string | null; body: string };

/**
 * The messages of a conversation, in its room's storage: one row per message, written when the message is created, finished or updated.
 * Frames after `seq` are in the frame log. Reading creates nothing.
 */
export class MessageStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Stores a message. @param seq the last frame that the message includes @param clientId the ID that its client chose */
  put(message: Message, seq: number, clientId: string | null = null): void {
    // No index on client_id: it would write a second row for each message, and scanning all rows is cheap.
    this.#sql.exec(
      "create table if not exists messages (id integer primary key, seq integer not null, client_id text, body text not null)",
    );
    const body = writeStored(message);
    this.#sql.exec(
      `insert into messages values (?, ?, ?, ?)
       on conflict (id) do update set seq = excluded.seq, body = excluded.body`,
      message.id,
      seq,
      clientId,
      body,
    );
  }

  get(id: number): Message | undefined {
    return this.#read("where id = ?", id)[0]?.message;
  }

  /** @throws not_found */
  require(id: number): Message {
    const message = this.get(id);
    if (message === undefined) throw new AppError("not_found", "Message not found in this conversation.");
    return message;
  }

  /** The last message of the user, and its answer. @throws conflict if there is no message */
  lastTurn(): { question: Message; answer: Message | undefined } {
    const [first, second] = this.before(2).toReversed();
    if (first?.role === "user") return { question: first, answer: undefined };
    if (second?.role === "user") return { question: second, answer: first };
    throw new AppError("conflict", "There is no message to answer. Send one first.");
  }

  /** The ordinal of the last message that was written in the conversation itself. */
  lastOrdinal(conversationId: number): number {
    const last = this.last()?.message.id ?? 0;
    return conversationOf(last) === conversationId ? last - toMessageId(conversationId, 0) : 0;
  }

  /** The ID of the next message. @param floor the last ordinal of removed messages @throws conflict if the message limit is reached */
  nextId(conversationId: number, floor: number): number {
    const ordinal = Math.max(this.lastOrdinal(conversationId), floor) + 1;
    if (ordinal < maxMessageOrdinal) return toMessageId(conversationId, ordinal);
    throw new AppError("conflict", `Message limit reached (${maxMessageOrdinal - 1}). Start a new conversation.`);
  }

  /** The newest message, and the last frame that it includes. */
  last(): { message: Message; seq: number } | undefined {
    return this.#read("order by id desc limit 1")[0];
  }

  /** The message with this client ID. */
  byClientId(clientId: string): Message | undefined {
    return this.#read("where client_id = ? order by id desc limit 1", clientId)[0]?.message;
  }

  /** The messages with greater IDs, in order. */
  after(id: number): Message[] {
    return this.#read("where id > ? order by id", id).map(({ message }) => message);
  }

  /** The last messages with IDs below `before`, in order. */
  before(limit: number, before = Number.MAX_SAFE_INTEGER): Message[] {
    return this.#read("where id < ? order by id desc limit ?", before, limit)
      .toReversed()
      .map(({ message }) => message);
  }

  count(): number {
    if (!this.#exists()) return 0;
    return this.#sql.exec<{ count: number }>("select count(*) as count from messages").one().count;
  }

  /** Deletes a message and all later ones. */
  removeFrom(id: number): void {
    if (this.#exists()) this.#sql.exec("delete from messages where id >= ?", id);
  }

  #read(rest: string, ...bindings: SqlStorageValue[]): { message: Message; seq: number }[] {
    if (!this.#exists()) return [];
    return this.#sql
      .exec<Row>(`select * from messages ${rest}`, ...bindings)
      .toArray()
      .map(({ seq, body }) => ({ seq, message: readStored(body) as Message }));
  }

  #exists(): boolean {
    return this.#sql.exec("select 1 from sqlite_schema where name = 'messages'").toArray().length > 0;
  }
}
