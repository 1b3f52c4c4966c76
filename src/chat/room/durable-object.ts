import { objectContext, type Ctx } from "../../context.ts";
import type { FoundMessage } from "../../hook-types.ts";
import { validate } from "../../http/validate.ts";
import type { ValidationIssue } from "../../kit/errors.ts";
import { malformedFrame, unknownFrame, type ClientFrame as AnyFrame } from "../../kit/socket/client-frames.ts";
import { newRequestId } from "../../kit/http/request-id.ts";
import type { TicketHolder } from "../../kit/socket/tickets.ts";
import { roomSettings, SocketRoom, type RoomSettings, type RoomSocket } from "../../kit/socket/socket-room.ts";
import { Conversation } from "./conversation.ts";
import { roomConstraintErrors } from "./errors.ts";
import type { ForkOrigin, InheritedMessages } from "./fork-sharing.ts";
import type { Attachment, Message } from "../../agent/types.ts";
import type { EditedConversation } from "./state-store.ts";
import { ClientFrame, clientFrameTypes, SendFrame } from "../protocol.ts";
import type { TurnReference } from "./turn-reference.ts";
import type {
  EditInput,
  SendMessageInput,
  RoomActivity,
  RoomCaller,
  RoomRpc,
  StartedTurn,
  RpcResult,
  TurnOptions,
} from "./client.ts";
import { toRpcResult } from "./rpc-result.ts";
import type { Tool } from "../../tools/tool.ts";
import { HubSubscription } from "./hub-subscription.ts";
import type { RoomRuntime } from "./runtime.ts";
import { SettingsCache } from "./settings-cache.ts";
import { TurnManager } from "./turn-manager.ts";

/**
 * Limits for the devices of one user: unacknowledged frames of all sockets stay well below the memory of an isolate. Both window limits
 * allow the same amount of short deltas, so that a fast model does not wait for acknowledgements.
 */
const chatSettings: RoomSettings = { ...roomSettings, maxSockets: 200, windowFrames: 1_024, windowBytes: 128 * 1024 };

/** How long a turn waits for the acknowledgement of a lagging socket, in ms. */
const slowSocketWaitMs = 50;

/** Number of messages in the snapshot for a new socket. */
const snapshotSize = 50;

/**
 * The room of one conversation: its messages, its running turn, and its sockets. Its name is the ID of the conversation. It trusts the
 * user ID that the Worker sends, and checks the ownership of the conversation itself. A turn continues without connected clients.
 */
export class ChatRoom extends SocketRoom implements RoomRpc {
  readonly #conversation: Conversation;
  readonly #settings: SettingsCache;
  readonly #hub: HubSubscription;
  readonly #turns: TurnManager;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const runtime: RoomRuntime = {
      storage: ctx.storage,
      env,
      id: () => Number(this.name),
      context: (requestId) => this.context(requestId),
      tools: () => this.tools(),
      publish: (frame) => void this.publish(frame),
      publishText: (head, offset, pieces) => this.publishText(head, offset, pieces),
      flush: () => this.flush(),
      waitForSlowSockets: () => this.waitForReaders(slowSocketWaitMs),
      saveSummary: (summary) => this.#conversation.stateStore.saveSummary(summary),
      lastSeq: () => this.lastSeq,
      framesAfter: (seq) => this.framesAfter(seq),
      scheduleAlarm: (at) => this.scheduleAlarm(at),
      erase: () => this.erase(),
    };
    this.#conversation = new Conversation(runtime);
    this.#settings = new SettingsCache(runtime, this.#conversation);
    this.#hub = new HubSubscription(runtime, this.#conversation.stateStore);
    this.#turns = new TurnManager(runtime, this.#conversation, this.#settings, this.#hub);
    this.#turns.recoverInterruptedTurn();
  }

  // ── Overridden in tests ────────────────────────────────────────────────────

  /** The tools that turns can call. */
  protected tools(): readonly Tool[] {
    return [];
  }

  protected context(requestId?: string): Ctx {
    const { env: bindings, ctx: lifetime } = this;
    return objectContext("chat-room", { bindings, lifetime, constraintErrors: roomConstraintErrors, requestId });
  }

  // ── Turns ──────────────────────────────────────────────────────────────────

  /** Stores a message and starts its turn. */
  send(caller: RoomCaller, input: SendMessageInput): Promise<RpcResult<StartedTurn>> {
    return toRpcResult(caller, () => this.#turns.send(caller, input));
  }

  /** The message after its turn has ended. */
  answer(caller: RoomCaller, messageId: number): Promise<RpcResult<Message>> {
    return toRpcResult(caller, () => this.#turns.waitForMessage(caller.user_id, messageId));
  }

  /** Stops the running turn and keeps the text so far. */
  stop(caller: RoomCaller): Promise<RpcResult<{ stopped: boolean }>> {
    return toRpcResult(caller, async () => ({ stopped: await this.#turns.stop(caller.user_id) }));
  }

  /** Answers a message again, the last one by default. */
  regenerate(caller: RoomCaller, reference: TurnReference, options?: TurnOptions): Promise<RpcResult<StartedTurn>> {
    return toRpcResult(caller, () => this.#turns.regenerate(caller, reference, options));
  }

  /** Replaces a message of the user and answers it. Later messages are removed. */
  edit(caller: RoomCaller, reference: string, edited: EditInput): Promise<RpcResult<StartedTurn>> {
    return toRpcResult(caller, () => this.#turns.edit(caller, reference, edited));
  }

  /** Approves or denies a pending tool call. */
  approve(caller: RoomCaller, callId: string, isApproved: boolean): Promise<RpcResult<{ call_id: string }>> {
    return toRpcResult(caller, () => this.#turns.resolveApproval(caller.user_id, callId, isApproved));
  }

  /** The running answer, if there is one. */
  running(caller: RoomCaller): Promise<RpcResult<Message | null>> {
    return toRpcResult(caller, () => this.#turns.activeAnswer(caller.user_id));
  }

  /** Whether a turn runs, and the last change. */
  async activity(userId: number): Promise<RoomActivity> {
    return this.#conversation.activity(userId);
  }

  // ── Messages ───────────────────────────────────────────────────────────────

  /** The last messages before a message, in order. */
  list(
    caller: RoomCaller,
    page: { limit: number; before?: number },
  ): Promise<RpcResult<{ messages: Message[]; total: number }>> {
    return toRpcResult(caller, () => this.#conversation.list(caller.user_id, page));
  }

  read(caller: RoomCaller, messageId: number): Promise<RpcResult<Message>> {
    return toRpcResult(caller, () => this.#conversation.read(caller.user_id, messageId));
  }

  find(caller: RoomCaller, messageId: number): Promise<RpcResult<FoundMessage>> {
    return toRpcResult(caller, () => this.#conversation.find(caller.user_id, messageId));
  }

  rate(caller: RoomCaller, messageId: number, feedback: NonNullable<Message["feedback"]>): Promise<RpcResult<Message>> {
    return toRpcResult(caller, () => this.#conversation.change(caller, messageId, { feedback }));
  }

  /** Confirms once that an answer completed a task or fixed an error. */
  confirm(caller: RoomCaller, messageId: number, confirmed: "task" | "error"): Promise<RpcResult<Message>> {
    return toRpcResult(caller, () => this.#conversation.change(caller, messageId, { confirmed }));
  }

  attach(caller: RoomCaller, attachment: Attachment): Promise<RpcResult<Attachment>> {
    return toRpcResult(caller, () => this.#conversation.attach(caller.user_id, attachment));
  }

  // ── Calls of the Worker, the hub and other rooms ───────────────────────────

  /** Applies an edit of the conversation. A new room reads it from Postgres instead. */
  async update(userId: number, edited: EditedConversation): Promise<void> {
    this.#conversation.update(userId, edited);
  }

  /** Writes an entry that was set aside. */
  writeSetAside(caller: RoomCaller, entryId: number): Promise<RpcResult<{ entry_id: number }>> {
    return toRpcResult(caller, () => this.#conversation.writeSetAside(caller, entryId));
  }

  /** Closes the sockets of these devices, or all sockets. */
  disconnectDevices(devices: readonly string[] | "all"): void {
    this.#settings.clear();
    if (devices === "all") return this.revokeAll();
    for (const device of devices) this.revoke(device);
  }

  /** Settings of the user have changed: the next turn reads them again. */
  invalidateSettings(): void {
    this.#settings.clear();
  }

  /** Lets a fork show the messages up to a message. */
  fork(caller: RoomCaller, messageId: number, into: number): Promise<RpcResult<{ into: number }>> {
    return toRpcResult(caller, () => this.#conversation.fork(caller, messageId, into));
  }

  /** Starts this conversation as a fork. */
  startAsFork(caller: RoomCaller, origin: ForkOrigin): Promise<RpcResult<ForkOrigin>> {
    return toRpcResult(caller, () => this.#conversation.startAsFork(caller.user_id, origin));
  }

  /** The messages that a fork inherits from this conversation. */
  sharedMessages(userId: number, upTo: number): Promise<RpcResult<InheritedMessages>> {
    return toRpcResult(undefined, () => this.#conversation.sharedMessages(userId, upTo));
  }

  /** Copies the inherited messages, before their origin changes. */
  copyShared(shared: InheritedMessages): Promise<void> {
    return this.#conversation.forks.copyShared(shared);
  }

  /** A fork has copied its inherited messages and no longer needs this conversation. */
  forgetFork(conversationId: number): void {
    this.#conversation.forks.forgetFork(conversationId);
  }

  /** Copies inherited messages to the forks, deletes everything, and closes all sockets. */
  override async erase(): Promise<void> {
    await this.#turns.shutDown();
    await super.erase();
  }

  // ── Sockets ────────────────────────────────────────────────────────────────

  protected override get settings(): RoomSettings {
    return chatSettings;
  }

  protected override async onArrival({ user_id }: TicketHolder, requestId: string): Promise<void> {
    await this.#conversation.requireOwner(user_id);
    this.#hub.renew(requestId);
  }

  protected override async snapshot(): Promise<object> {
    const { state } = this.#conversation;
    return { ...state, ...(await this.#conversation.listWithShared({ limit: snapshotSize })) };
  }

  protected override onDevices(): void {
    this.broadcastState(this.#presence());
  }

  protected override onCaughtUp(socket: RoomSocket): void {
    this.sendTo(socket, this.#presence());
  }

  protected override nextAlarmAt(): number | undefined {
    return this.#turns.dueAt(Date.now());
  }

  protected override onAlarmDue(): Promise<void> {
    return this.#conversation.projector.run();
  }

  protected override async onFrame(socket: RoomSocket, frame: AnyFrame): Promise<void> {
    if (!knownTypes.has(frame.type)) return this.sendTo(socket, unknownFrame(clientFrameTypes));
    const faults: ValidationIssue[] = [];
    const data = validate(ClientFrame, frame, "body", faults) as ClientFrame | undefined;
    if (data === undefined) return this.sendTo(socket, { ...malformedFrame(faults), ...clientIdOf(frame) });
    const { user_id, device } = socket.state!;
    switch (data.type) {
      case "typing":
        return this.broadcastState({ type: "typing", device, is_typing: data.is_typing });
      case "turn.stop":
        return void (await this.#turns.stop(user_id));
      case "tool.approve":
      case "tool.deny":
        return void (await this.#turns.resolveApproval(user_id, data.call_id, data.type === "tool.approve"));
      case "message.send": {
        const { client_id } = data;
        const caller = { user_id, request_id: newRequestId() };
        const sent = await toRpcResult(caller, () => this.#turns.send(caller, { ...data, memory: "propose" }));
        if ("refusal" in sent) {
          const { errorType, detail, faults: errors = [] } = sent.refusal;
          this.sendTo(socket, {
            type: "error",
            client_id,
            code: errorType.code,
            detail,
            ...(errors.length > 0 ? { errors } : {}),
          });
        } else if (!sent.value.is_new) this.sendTo(socket, { type: "message.known", client_id, message: sent.value.message });
      }
    }
  }

  #presence() {
    return { type: "presence", devices: this.devices() };
  }
}

const knownTypes: ReadonlySet<string> = new Set(clientFrameTypes);

/** The valid `client_id` of a malformed frame, so that the client knows which message failed. */
function clientIdOf({ client_id }: AnyFrame): { client_id?: string } {
  const { data } = SendFrame.shape.client_id.safeParse(client_id);
  return data === undefined ? {} : { client_id: data };
}
