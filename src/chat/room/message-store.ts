import { AppError } from "../../kit/errors.ts";
import { conversationOf, toMessageId, maxMessageOrdinal } from "../constants.ts";
import type { Message } from "../../agent/types.ts";
import { readStored, writeStored } from "../../agent/message/codec.ts";

type Row = { id: number; seq: number; client_id: string | null; body: string };

/**
 * The messages of a conversation, in its room's storage: a row each, written when a message begins and when it ends, and where an answer
 * does more than talk. What was said since then is in the log of frames, behind `seq`. Reading creates nothing.
 */
export class MessageStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Writes a message down as it is. @param seq the number of the last frame that it knows of @param clientId what its client named it by */
  put(message: Message, seq: number, clientId: string | null = null): void {
    // No index on client_id: it would be a second row written for each message, and a look at all of them is cheap.
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

  /** What was asked last, and the answer to it. @throws conflict where nothing was asked */
  lastTurn(): { asked: Message; answer: Message | undefined } {
    const [first, second] = this.before(2).toReversed();
    if (first?.role === "user") return { asked: first, answer: undefined };
    if (second?.role === "user") return { asked: second, answer: first };
    throw new AppError("conflict", "There is no message to answer. Send one first.");
  }

  /** How many places of a conversation are taken: those of messages that are its own. */
  lastOrdinal(conversationId: number): number {
    const last = this.last()?.message.id ?? 0;
    return conversationOf(last) === conversationId ? last - toMessageId(conversationId, 0) : 0;
  }

  /** The number of the next message. @param floor places that were taken once @throws conflict where all are taken */
  nextId(conversationId: number, floor: number): number {
    const place = Math.max(this.lastOrdinal(conversationId), floor) + 1;
    if (place < maxMessageOrdinal) return toMessageId(conversationId, place);
    throw new AppError("conflict", `Message limit reached (${maxMessageOrdinal - 1}). Start a new conversation.`);
  }

  /** The newest message, and the number of the last frame that it knows of. */
  last(): { message: Message; seq: number } | undefined {
    return this.#read("order by id desc limit 1")[0];
  }

  /** The message that a client named so. */
  byClientId(clientId: string): Message | undefined {
    return this.#read("where client_id = ? order by id desc limit 1", clientId)[0]?.message;
  }

  /** Messages in their order: those with greater numbers than `after`. */
  after(id: number): Message[] {
    return this.#read("where id > ? order by id", id).map(({ message }) => message);
  }

  /** The last messages with numbers below `before`, in their order. */
  before(limit: number, before = Number.MAX_SAFE_INTEGER): Message[] {
    return this.#read("where id < ? order by id desc limit ?", before, limit)
      .toReversed()
      .map(({ message }) => message);
  }

  count(): number {
    if (!this.#exists()) return 0;
    return this.#sql.exec<{ count: number }>("select count(*) as count from messages").one().count;
  }

  /** Deletes a message and all after it. */
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
