import { AppError } from "../../kit/errors.ts";
import { conversationOf, toMessageId, maxMessageOrdinal } from "../constants.ts";
import type { Message } from "../../agent/types.ts";
import { readStored, writeStored } from "../../agent/message/codec.ts";

/** A message of the user, and its answer. */
export type Turn = { question: Message; answer: Message | undefined };

/** How many IDs a message keeps for its clients. */
const maxClientIds = 20;

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

  /**
   * Stores a message.
   * @param seq the last frame that the message includes
   * @param clientIds the IDs by which clients know it, separated by spaces: the one that its client chose, and those of messages that it replaced
   */
  put(message: Message, seq: number, clientIds: string | null = null): void {
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
      clientIds,
      body,
    );
  }

  get(id: number): Message | undefined {
    return this.#read("where id = ?", id)[0]?.message;
  }

  /** @throws not_found */
  require(id: number): Message {
    const message = this.get(id);
    if (message === undefined) throw notFound();
    return message;
  }

  /** The last message of the user, and its answer. @throws conflict if there is no message */
  lastTurn(): Turn {
    const last = this.last()?.message;
    if (last === undefined) throw noMessage();
    return this.turnOf(last);
  }

  /** The turn of a message or of an answer. @throws conflict if there is no message to answer */
  turnOf(message: Message): Turn {
    if (message.role === "user") {
      const [next] = this.#read("where id > ? order by id limit 1", message.id);
      return { question: message, answer: next?.message.role === "assistant" ? next.message : undefined };
    }
    const [question] = this.before(1, message.id);
    if (question?.role !== "user") throw noMessage();
    return { question, answer: message };
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
    const rest = "where instr(' ' || client_id || ' ', ' ' || ? || ' ') > 0 order by id desc limit 1";
    return this.#read(rest, clientId)[0]?.message;
  }

  /** The message that a client calls by its client ID, or by its own ID. */
  byReference(reference: string): Message | undefined {
    return this.byClientId(reference) ?? (/^\d{1,15}$/.test(reference) ? this.get(Number(reference)) : undefined);
  }

  /** @throws not_found */
  requireReference(reference: string): Message {
    const message = this.byReference(reference);
    if (message === undefined) throw notFound();
    return message;
  }

  /** The client IDs for a message that replaces this one: clients go on to call it by the IDs that they know. */
  clientIdsOfReplacement(id: number): string {
    const rows = this.#exists() ? this.#sql.exec<Row>("select * from messages where id = ?", id).toArray() : [];
    const known = rows.flatMap(({ client_id }) => client_id?.split(" ") ?? []);
    return [...known, String(id)].slice(-maxClientIds).join(" ");
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

const notFound = () => new AppError("not_found", "Message not found in this conversation.");

const noMessage = () => new AppError("conflict", "There is no message to answer. Send one first.");
