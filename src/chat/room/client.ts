import type { Ctx } from "../../context.ts";
import { AppError, type ErrorType, type ValidationIssue } from "../../kit/errors.ts";
import { callObject } from "../../kit/socket/call-object.ts";
import { connectSocket, type SocketRequest } from "../../kit/socket/upgrade.ts";
import type { Attachment, Message } from "../../agent/types.ts";
import type { EditedConversation } from "./state-store.ts";
import type { Overrides } from "../../agent/settings.ts";

/** What a room answers: errors lose their class over RPC. */
export type RpcResult<T> = { value: T } | { refusal: Refusal };

type Refusal = { errorType: ErrorType; detail: string; faults?: ValidationIssue[]; headers?: Record<string, string> };

/** What was told. @throws what was refused */
export function unwrapRpcResult<T>(told: RpcResult<T>): T {
  if ("value" in told) return told.value;
  const { errorType, detail, ...extra } = told.refusal;
  throw new AppError(errorType, detail, extra);
}

/** A message that is to be answered. */
export type SendMessageInput = { client_id: string; text: string; attachment_ids: string[]; overrides?: Overrides };

/** A turn that was asked for. */
export type StartedTurn = {
  /** The user's. */
  message: Message;
  /** Streaming, or as it ended if its `client_id` was sent before. */
  answer: Message;
  /** Before the first frame of this turn. */
  seq: number;
  is_new: boolean;
};

/** A conversation's object, as the Worker asks it. What is not there, or not theirs, it refuses as not_found. */
export type RoomRpc = {
  send(userId: number, asked: SendMessageInput): Promise<RpcResult<StartedTurn>>;
  /** Waits until it streams no more, at most 130 s or so. */
  answer(userId: number, messageId: number): Promise<RpcResult<Message>>;
  /** The answer that is under way, if there is one. */
  running(userId: number): Promise<RpcResult<Message | null>>;
  stop(userId: number): Promise<RpcResult<{ stopped: boolean }>>;
  /** Answers anew what was answered last, or goes on with what was interrupted. */
  regenerate(userId: number): Promise<RpcResult<StartedTurn>>;
  edit(userId: number, messageId: number, text: string): Promise<RpcResult<StartedTurn>>;
  approve(userId: number, callId: string, isApproved: boolean): Promise<RpcResult<{ call_id: string }>>;
  /** Oldest first within the page. */
  list(userId: number, page: { limit: number; before?: number }): Promise<RpcResult<{ messages: Message[]; total: number }>>;
  read(userId: number, messageId: number): Promise<RpcResult<Message>>;
  rate(userId: number, messageId: number, feedback: { rating: "up" | "down"; comment: string }): Promise<RpcResult<Message>>;
  /** Once a message: the same again changes nothing, another kind is a conflict. */
  confirm(userId: number, messageId: number, kind: "task" | "error"): Promise<RpcResult<Message>>;
  /** Told once Postgres has it. */
  update(userId: number, edited: EditedConversation): Promise<void>;
  attach(userId: number, attachment: Attachment): Promise<RpcResult<Attachment>>;
  /** `into` is the new conversation, which is in Postgres. Twice is once. */
  fork(userId: number, messageId: number, into: number): Promise<RpcResult<{ into: number }>>;
  erase(): Promise<void>;
  fetch(request: Request): Promise<Response>;
};

type Rooms = { getByName(name: string): RoomRpc };

const roomsOf = ({ env }: Ctx): Rooms => env.CHAT_ROOM;

const timeoutMs = 5_000;

/** How long an answer is waited for: longer than a turn takes. */
export const answerTimeoutMs = 135_000;

const unreachable = (cause: unknown) =>
  new AppError("realtime_unavailable", "The conversation is unavailable. Try again.", { cause });

/** Calls a conversation's room, once more where the platform says that it can help. @throws realtime_unavailable */
export async function callRoomRaw<T>(
  ctx: Ctx,
  conversationId: number,
  ask: (room: RoomRpc) => Promise<T>,
  withinMs = timeoutMs,
): Promise<T> {
  const roomOf = () => roomsOf(ctx).getByName(String(conversationId));
  try {
    return await callObject(ctx.roundTrips, "The conversation", withinMs, () => ask(roomOf()));
  } catch (cause) {
    throw unreachable(cause);
  }
}

/** What a conversation's room says. @throws what it refuses; realtime_unavailable */
export async function callRoom<T>(
  ctx: Ctx,
  conversationId: number,
  ask: (room: RoomRpc) => Promise<RpcResult<T>>,
  withinMs = timeoutMs,
): Promise<T> {
  return unwrapRpcResult(await callRoomRaw(ctx, conversationId, ask, withinMs));
}

/** Opens a device's socket to a conversation, or replies with the room's refusal. @throws realtime_unavailable */
export async function openRoomSocket(ctx: Ctx, conversationId: number, arrival: SocketRequest): Promise<Response> {
  try {
    return await ctx.roundTrips.time("do", () => connectSocket(roomsOf(ctx), String(conversationId), arrival, ctx.requestId));
  } catch (cause) {
    throw unreachable(cause);
  }
}
