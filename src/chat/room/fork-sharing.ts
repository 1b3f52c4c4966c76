import { AppError } from "../../kit/errors.ts";
import { withR2Errors } from "../../kit/storage/r2.ts";
import type { Attachment, Message } from "../../agent/types.ts";
import type { RoomStateStore } from "./state-store.ts";
import { unwrapRpcResult, type RoomCaller, type RpcResult } from "./client.ts";
import { filesOf } from "./attachment-keys.ts";
import type { MessageStore } from "./message-store.ts";
import type { RoomRuntime } from "./runtime.ts";

/** The origin of a fork, until its room has copied the inherited messages. */
export type ForkOrigin = { conversation_id: number; message_id: number };

/** A fork that shows the messages of this conversation up to a message. */
type Fork = ForkOrigin;

/** Messages that a fork inherits from its origin, and their files. */
export type InheritedMessages = { messages: Message[]; attachments: Attachment[] };

/** The room of another conversation. */
type OtherRoom = {
  sharedMessages(userId: number, upTo: number): Promise<RpcResult<InheritedMessages>>;
  startAsFork(caller: RoomCaller, origin: ForkOrigin): Promise<RpcResult<ForkOrigin>>;
  copyShared(shared: InheritedMessages): Promise<void>;
  forgetFork(conversationId: number): Promise<void>;
};

const originKey = "origin";
const forksKey = "forks";

/**
 * Copy-on-write sharing of messages between a conversation and its forks. A fork shows the messages of its origin, and copies them just
 * before one of the two changes.
 */
export class ForkSharing {
  readonly #runtime: Pick<RoomRuntime, "storage" | "env" | "lastSeq">;
  readonly #stateStore: RoomStateStore;
  readonly #transcript: MessageStore;
  #cached: InheritedMessages | undefined;

  constructor(runtime: Pick<RoomRuntime, "storage" | "env" | "lastSeq">, stateStore: RoomStateStore, transcript: MessageStore) {
    this.#runtime = runtime;
    this.#stateStore = stateStore;
    this.#transcript = transcript;
  }

  /** The messages that this conversation inherits from its origin. @throws realtime_unavailable */
  async inherited(): Promise<InheritedMessages> {
    const origin = this.#origin;
    if (origin === undefined) return { messages: [], attachments: [] };
    if (this.#cached !== undefined) return this.#cached;
    const { user_id, id } = this.#stateStore.conversation!;
    const { messages, attachments } = unwrapRpcResult(
      await callRoom(this.#roomOf(origin).sharedMessages(user_id, origin.message_id)),
    );
    const inherited = { messages: messages.map((message) => ({ ...message, conversation_id: id })), attachments };
    // The origin may have sent them during the await.
    if (this.#origin === undefined) return { messages: [], attachments: [] };
    return (this.#cached = inherited);
  }

  /** Copies the inherited messages, before this conversation changes. @throws realtime_unavailable */
  async detachFromOrigin(): Promise<void> {
    const origin = this.#origin;
    if (origin === undefined) return;
    await this.copyShared(await this.inherited());
    await this.#roomOf(origin).forgetFork(this.#stateStore.conversation!.id);
  }

  /** Stores the inherited messages and copies their files. Idempotent. @throws files_unavailable */
  async copyShared({ messages, attachments }: InheritedMessages): Promise<void> {
    if (this.#origin === undefined) return;
    const { id } = this.#stateStore.conversation!;
    const own: Attachment[] = [];
    for (const attachment of attachments) own.push(await this.#copyFile(attachment));
    // A concurrent call may have copied them during the awaits.
    if (this.#origin === undefined) return;
    for (const message of messages) this.#transcript.put({ ...message, conversation_id: id }, this.#runtime.lastSeq());
    for (const attachment of own) this.#stateStore.attach(attachment);
    this.#runtime.storage.kv.delete(originKey);
    this.#cached = undefined;
  }

  /** Copies a file of the origin, so that deleting the origin does not delete it. */
  async #copyFile(attachment: Attachment): Promise<Attachment> {
    const { FILES: files } = this.#runtime.env;
    const { user_id, id } = this.#stateStore.conversation!;
    const object = await withR2Errors(files.get(attachment.key));
    if (object === null) return attachment;
    const key = filesOf(user_id, id) + attachment.id;
    const { httpMetadata, customMetadata } = object;
    await withR2Errors(
      files.put(key, await object.arrayBuffer(), {
        ...(httpMetadata && { httpMetadata }),
        ...(customMetadata && { customMetadata }),
      }),
    );
    return { ...attachment, key };
  }

  /** The messages that a fork inherits from this conversation. */
  sharedMessages(upTo: number): InheritedMessages {
    const messages = this.#transcript.before(Number.MAX_SAFE_INTEGER, upTo + 1);
    const files = messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === "file" ? [part.id] : [])));
    return { messages, attachments: files.flatMap((id) => this.#stateStore.attachment(id) ?? []) };
  }

  /** Lets a fork show the messages up to a message. @throws realtime_unavailable; the errors of its room */
  async fork(fork: Fork, caller: RoomCaller): Promise<void> {
    this.#forks = [...this.#forks.filter(isOther(fork.conversation_id)), fork];
    const { id } = this.#stateStore.conversation!;
    const origin = { conversation_id: id, message_id: fork.message_id };
    unwrapRpcResult(await callRoom(this.#roomOf(fork).startAsFork(caller, origin)));
  }

  /** Starts this conversation as a fork, unless it already has messages. */
  startAsFork(origin: ForkOrigin): void {
    if (this.#transcript.count() === 0) this.#runtime.storage.kv.put(originKey, origin);
  }

  /** Removes a fork that has copied its messages. */
  forgetFork(conversationId: number): void {
    this.#forks = this.#forks.filter(isOther(conversationId));
  }

  /** Copies inherited messages to the forks that show this message or a later one, before they change. @throws realtime_unavailable */
  async copyToForksFrom(messageId: number): Promise<void> {
    for (const fork of this.#forks.filter(({ message_id }) => message_id >= messageId)) {
      await callRoom(this.#roomOf(fork).copyShared(this.sharedMessages(fork.message_id)));
      this.forgetFork(fork.conversation_id);
    }
  }

  get #origin(): ForkOrigin | undefined {
    return this.#runtime.storage.kv.get<ForkOrigin>(originKey);
  }

  get #forks(): Fork[] {
    return this.#runtime.storage.kv.get<Fork[]>(forksKey) ?? [];
  }

  set #forks(forks: Fork[]) {
    if (forks.length > 0) this.#runtime.storage.kv.put(forksKey, forks);
    else this.#runtime.storage.kv.delete(forksKey);
  }

  #roomOf({ conversation_id }: ForkOrigin): OtherRoom {
    return this.#runtime.env.CHAT_ROOM.getByName(String(conversation_id));
  }
}

const isOther = (conversationId: number) => (fork: Fork) => fork.conversation_id !== conversationId;

async function callRoom<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new AppError("realtime_unavailable", "A linked conversation is unavailable. Try again.", { cause });
  }
}
