import type { Ctx } from "../context.ts";
import { AppError, type FailureCode } from "../kit/errors.ts";
import { askObject } from "../kit/objects.ts";
import type { Attachment, Message } from "./messages.ts";

/** What a room answers: errors lose their class over RPC. */
export type Told<T> = { value: T } | { refusal: { code: FailureCode; detail: string } };

/** Settings of one turn. */
export type Overrides = {
  system_prompt?: string;
  temperature?: number;
  max_tokens?: number;
  top_p?: number;
  use_rag?: boolean;
  use_spirits?: boolean;
};

/** A message and its answer, which is streaming, or as it ended if the message was sent before. `seq` is before the first frame of the turn. */
export type Sent = { message: Message; answer: Message; seq: number; is_new: boolean };

export type Room = {
  send(
    userId: number,
    asked: { client_id: string; text: string; attachment_ids: string[]; overrides?: Overrides },
  ): Promise<Told<Sent>>;
  /** Waits until it streams no more (at most ~130 s). */
  answer(userId: number, messageId: number): Promise<Told<Message>>;
  stop(userId: number): Promise<Told<{ stopped: boolean }>>;
  /** The last answer anew; also "continue" of an interrupted one. */
  regenerate(userId: number): Promise<Told<Sent>>;
  edit(userId: number, messageId: number, text: string): Promise<Told<Sent>>;
  approve(userId: number, callId: string, isApproved: boolean): Promise<Told<{ call_id: string }>>;
  /** Oldest first within the page. */
  list(userId: number, page: { limit: number; before?: number }): Promise<Told<{ messages: Message[]; total: number }>>;
  read(userId: number, messageId: number): Promise<Told<Message>>;
  rate(userId: number, messageId: number, feedback: { rating: "up" | "down"; comment: string }): Promise<Told<Message>>;
  /** Once a message; the same again changes nothing, another kind is a conflict. */
  confirm(userId: number, messageId: number, kind: "task" | "error"): Promise<Told<Message>>;
  /** Told to a room after Postgres has it. */
  update(userId: number, changes: { title?: string; pinned_facts?: string[] }): Promise<void>;
  attach(userId: number, attachment: Attachment): Promise<Told<Attachment>>;
  /** `into`: the new conversation, already in Postgres. */
  fork(userId: number, messageId: number, into: number): Promise<Told<{ into: number }>>;
  erase(): Promise<void>;
  /** Sockets, through kit/socket/upgrade.ts connectSocket. */
  fetch(request: Request): Promise<Response>;
};

const timeoutMs = 140_000;

/** The rooms of this environment. */
export const roomsOf = (ctx: Ctx) => (ctx.env as unknown as { CHAT_ROOM: { getByName(name: string): Room } }).CHAT_ROOM;

/** Asks a conversation's room. @throws what it refuses; realtime_unavailable where it does not answer */
export async function askRoom<T>(ctx: Ctx, conversationId: number, ask: (room: Room) => Promise<Told<T>>): Promise<T> {
  const once = () => ask(roomsOf(ctx).getByName(String(conversationId)));
  const told = await askObject(ctx.meter, "The room", timeoutMs, once).catch((cause: unknown) => {
    throw new AppError("realtime_unavailable", "The conversation does not answer.", { cause });
  });
  if ("refusal" in told) throw new AppError(told.refusal.code, told.refusal.detail);
  return told.value;
}
