import { AppError } from "../../kit/errors.ts";
import { withR2Errors } from "../../kit/storage/r2.ts";
import type { Attachment, Message } from "../../agent/types.ts";
import type { RoomStateStore } from "./state-store.ts";
import { unwrapRpcResult, type RpcResult } from "./client.ts";
import { filesOf } from "./attachment-keys.ts";
import type { MessageStore } from "./message-store.ts";
import type { RoomRuntime } from "./runtime.ts";

/** Where a conversation comes from, while its room has not copied what it shows of there. */
export type ForkOrigin = { conversation_id: number; message_id: number };

/** A conversation that shows messages of here, up to one. */
type Fork = ForkOrigin;

/** What two conversations share: messages, and the files of them. */
export type InheritedMessages = { messages: Message[]; attachments: Attachment[] };

/** The room of another conversation. */
type OtherRoom = {
  sharedMessages(userId: number, upTo: number): Promise<RpcResult<InheritedMessages>>;
  startAsFork(userId: number, origin: ForkOrigin): Promise<RpcResult<ForkOrigin>>;
  copyShared(shared: InheritedMessages): Promise<void>;
  forgetFork(conversationId: number): Promise<void>;
};

const originKey = "origin";
const forksKey = "forks";

/**
 * What a conversation shares with those that it was forked from, or that were forked from it. A fork copies nothing: it shows the other's
 * messages until either of the two is to change, and takes them over just before.
 */
export class ForkSharing {
  readonly #runtime: Pick<RoomRuntime, "storage" | "env" | "lastSeq">;
  readonly #stateStore: RoomStateStore;
  readonly #transcript: MessageStore;
  #shown: InheritedMessages | undefined;

  constructor(runtime: Pick<RoomRuntime, "storage" | "env" | "lastSeq">, stateStore: RoomStateStore, transcript: MessageStore) {
    this.#runtime = runtime;
    this.#stateStore = stateStore;
    this.#transcript = transcript;
  }

  /** What is shown of another conversation. @throws realtime_unavailable */
  async inherited(): Promise<InheritedMessages> {
    const origin = this.#origin;
    if (origin === undefined) return { messages: [], attachments: [] };
    if (this.#shown !== undefined) return this.#shown;
    const { user_id, id } = this.#stateStore.conversation!;
    const { messages, attachments } = unwrapRpcResult(
      await callRoom(this.#roomOf(origin).sharedMessages(user_id, origin.message_id)),
    );
    const shown = { messages: messages.map((message) => ({ ...message, conversation_id: id })), attachments };
    // It may have been given them meanwhile.
    if (this.#origin === undefined) return { messages: [], attachments: [] };
    return (this.#shown = shown);
  }

  /** Takes over what is shown of another conversation: for before this one changes. @throws realtime_unavailable */
  async detachFromOrigin(): Promise<void> {
    const origin = this.#origin;
    if (origin === undefined) return;
    await this.copyShared(await this.inherited());
    await this.#roomOf(origin).forgetFork(this.#stateStore.conversation!.id);
  }

  /** Writes down what was shown of another conversation, and copies its files. A second time, it changes nothing. @throws files_unavailable */
  async copyShared({ messages, attachments }: InheritedMessages): Promise<void> {
    if (this.#origin === undefined) return;
    const { id } = this.#stateStore.conversation!;
    const own: Attachment[] = [];
    for (const attachment of attachments) own.push(await this.#copied(attachment));
    // Both of them may have set about it.
    if (this.#origin === undefined) return;
    for (const message of messages) this.#transcript.put({ ...message, conversation_id: id }, this.#runtime.lastSeq());
    for (const attachment of own) this.#stateStore.attach(attachment);
    this.#runtime.storage.kv.delete(originKey);
    this.#shown = undefined;
  }

  /** A file of another conversation, as one of this: it goes with its own alone. */
  async #copied(attachment: Attachment): Promise<Attachment> {
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

  /** What a fork shows of here. */
  sharedMessages(upTo: number): InheritedMessages {
    const messages = this.#transcript.before(Number.MAX_SAFE_INTEGER, upTo + 1);
    const files = messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === "file" ? [part.id] : [])));
    return { messages, attachments: files.flatMap((id) => this.#stateStore.attachment(id) ?? []) };
  }

  /** Lets another conversation show what is here, up to a message. @throws realtime_unavailable, and what its room refuses */
  async fork(fork: Fork): Promise<void> {
    this.#forks = [...this.#forks.filter(isOther(fork.conversation_id)), fork];
    const { id, user_id } = this.#stateStore.conversation!;
    const origin = { conversation_id: id, message_id: fork.message_id };
    unwrapRpcResult(await callRoom(this.#roomOf(fork).startAsFork(user_id, origin)));
  }

  /** Begins as a fork, unless something was said here before. */
  startAsFork(origin: ForkOrigin): void {
    if (this.#transcript.count() === 0) this.#runtime.storage.kv.put(originKey, origin);
  }

  /** A fork shows nothing of here any more. */
  forgetFork(conversationId: number): void {
    this.#forks = this.#forks.filter(isOther(conversationId));
  }

  /** Gives forks what they show, of which messages from one on are to change. @throws realtime_unavailable */
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
