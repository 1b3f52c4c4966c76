import { requireUserId } from "../../auth/current-user.ts";
import type { Ctx } from "../../context.ts";
import type { FoundMessage } from "../../hook-types.ts";
import { AppError, type ErrorType, type ValidationIssue } from "../../kit/errors.ts";
import { callObject } from "../../kit/socket/call-object.ts";
import { connectSocket, type SocketRequest } from "../../kit/socket/upgrade.ts";
import type { Attachment, Message } from "../../agent/types.ts";
import type { EditedConversation } from "./state-store.ts";
import type { TurnReference } from "./turn-reference.ts";
import type { Overrides } from "../../agent/settings.ts";

/** The result of an RPC call to a room. Errors are values because they lose their class over RPC. */
export type RpcResult<T> = { value: T } | { refusal: Refusal };

type Refusal = { errorType: ErrorType; detail: string; faults?: ValidationIssue[]; headers?: Record<string, string> };

/** The value of a result. @throws its error */
export function unwrapRpcResult<T>(result: RpcResult<T>): T {
  if ("value" in result) return result.value;
  const { errorType, detail, faults, headers } = result.refusal;
  throw new AppError(errorType, detail, { ...(faults && { issues: faults }), ...(headers && { headers }) });
}

/**
 * What a turn does with the memory of its minion: nothing, read its facts, or also let the model propose facts, for a caller who sees that a
 * tool call waits for approval.
 */
export type MemoryUse = "none" | "read" | "propose";

/** What a caller wants of a turn. */
export type TurnOptions = { /** Default: `none`. A temporary conversation never uses the memory. */ memory?: MemoryUse };

/** A message to send. */
export type SendMessageInput = TurnOptions & {
  client_id: string;
  text: string;
  attachment_ids: string[];
  overrides?: Overrides;
};

/** The new content of a message. Without attachment IDs, it keeps its files. */
export type EditInput = TurnOptions & { text: string; attachment_ids?: string[] | undefined };

/** A turn that was started, or that an earlier request started. */
export type StartedTurn = {
  /** The message of the user. */
  message: Message;
  /** The answer: streaming, or finished if its `client_id` was sent before. */
  answer: Message;
  /** The number of the last frame before this turn. */
  seq: number;
  is_new: boolean;
};

/** What a room does now, and its last change in milliseconds since the epoch; null for a room without messages. */
export type RoomActivity = { is_answering: boolean; changed_at: number | null };

/** The user who calls a room, and the request that does, so that a turn's lines in the log have its ID. */
export type RoomCaller = { user_id: number; request_id: string };

/** The caller of a room. Default: the calling user. @throws unauthenticated for an anonymous caller */
export function callerOf(ctx: Ctx, userId = requireUserId(ctx)): RoomCaller {
  return { user_id: userId, request_id: ctx.requestId };
}

/** The RPC interface of a conversation's Durable Object. Conversations and messages of other users are not_found. */
export type RoomRpc = {
  send(caller: RoomCaller, input: SendMessageInput): Promise<RpcResult<StartedTurn>>;
  /** Waits until the message is finished, for about 130 s at most. */
  answer(caller: RoomCaller, messageId: number): Promise<RpcResult<Message>>;
  /** The running answer, if there is one. */
  running(caller: RoomCaller): Promise<RpcResult<Message | null>>;
  /** Writes nothing, and reads no Postgres. The caller has checked that the user owns the conversation. */
  activity(userId: number): Promise<RoomActivity>;
  stop(caller: RoomCaller): Promise<RpcResult<{ stopped: boolean }>>;
  /** Answers a message again, the last one by default. Sends a message that did not arrive. */
  regenerate(caller: RoomCaller, reference: TurnReference, options?: TurnOptions): Promise<RpcResult<StartedTurn>>;
  edit(caller: RoomCaller, reference: string, edited: EditInput): Promise<RpcResult<StartedTurn>>;
  approve(caller: RoomCaller, callId: string, isApproved: boolean): Promise<RpcResult<{ call_id: string }>>;
  /** Lists messages, oldest first within the page. */
  list(
    caller: RoomCaller,
    page: { limit: number; before?: number },
  ): Promise<RpcResult<{ messages: Message[]; total: number }>>;
  read(caller: RoomCaller, messageId: number): Promise<RpcResult<Message>>;
  /** Where a message is. */
  find(caller: RoomCaller, messageId: number): Promise<RpcResult<FoundMessage>>;
  rate(
    caller: RoomCaller,
    messageId: number,
    feedback: { rating: "up" | "down"; comment: string },
  ): Promise<RpcResult<Message>>;
  /** Confirms an answer once. The same kind again changes nothing; another kind is a conflict. */
  confirm(caller: RoomCaller, messageId: number, kind: "task" | "error"): Promise<RpcResult<Message>>;
  /** Writes an entry of the outbox that was set aside. @throws conflict if Postgres still refuses it */
  writeSetAside(caller: RoomCaller, entryId: number): Promise<RpcResult<{ entry_id: number }>>;
  /** Called after the edit is committed to Postgres. */
  update(userId: number, edited: EditedConversation): Promise<void>;
  attach(caller: RoomCaller, attachment: Attachment): Promise<RpcResult<Attachment>>;
  /** `into` is the new conversation, which is already in Postgres. Idempotent. */
  fork(caller: RoomCaller, messageId: number, into: number): Promise<RpcResult<{ into: number }>>;
  erase(): Promise<void>;
  fetch(request: Request): Promise<Response>;
};

type Rooms = { getByName(name: string): RoomRpc };

const roomsOf = ({ env }: Ctx): Rooms => env.CHAT_ROOM;

const timeoutMs = 5_000;

/** The timeout of an answer, in ms: longer than a turn. */
export const answerTimeoutMs = 135_000;

const unreachable = (cause: unknown) =>
  new AppError("realtime_unavailable", "The conversation is unavailable. Try again.", { cause });

/** Calls a conversation's room, and retries once if the platform marks the error as retryable. @throws realtime_unavailable */
export async function callRoomRaw<T>(
  ctx: Ctx,
  conversationId: number,
  call: (room: RoomRpc) => Promise<T>,
  withinMs = timeoutMs,
): Promise<T> {
  const roomOf = () => roomsOf(ctx).getByName(String(conversationId));
  try {
    return await callObject(ctx.roundTrips, "The conversation", withinMs, () => call(roomOf()));
  } catch (cause) {
    throw unreachable(cause);
  }
}

/** Calls a conversation's room and unwraps the result. @throws the errors of the room; realtime_unavailable */
export async function callRoom<T>(
  ctx: Ctx,
  conversationId: number,
  call: (room: RoomRpc) => Promise<RpcResult<T>>,
  withinMs = timeoutMs,
): Promise<T> {
  return unwrapRpcResult(await callRoomRaw(ctx, conversationId, call, withinMs));
}

/** Opens a device's socket to a conversation, or returns the room's error response. @throws realtime_unavailable */
export async function openRoomSocket(ctx: Ctx, conversationId: number, request: SocketRequest): Promise<Response> {
  try {
    return await ctx.roundTrips.time("do", () => connectSocket(roomsOf(ctx), String(conversationId), request, ctx.requestId));
  } catch (cause) {
    throw unreachable(cause);
  }
}
