import type { Ctx } from "../../context.ts";
import { AppError } from "../../kit/errors.ts";
import { logEvent, millisecondsSince } from "../../kit/event-log.ts";
import { withR2Errors } from "../../kit/storage/r2.ts";
import { newMessage, newAnswer, reasoningLength } from "../../agent/message/apply-frame.ts";
import { ActiveTurn, replayFrames, type TurnCallbacks } from "../../agent/turn/active-turn.ts";
import { projectionOwner, type Conversation } from "./conversation.ts";
import { estimateInterruptedTurn, finishAnswer, type TurnOutcome } from "../../agent/turn/finish-turn.ts";
import type { Message } from "../../agent/types.ts";
import type { ForkSharing } from "./fork-sharing.ts";
import type { ConversationState, RoomStateStore } from "./state-store.ts";
import type { OutboxWorker } from "../sync/outbox-worker.ts";
import type { EditInput, MemoryUse, SendMessageInput, RoomCaller, StartedTurn, TurnOptions } from "./client.ts";
import { withOverrides, type Overrides, type TurnSettings } from "../../agent/settings.ts";
import { storeFact } from "../../memory/service.ts";
import type { RememberedFact } from "../../memory/types.ts";
import type { HubSubscription } from "./hub-subscription.ts";
import { resolveAttachments } from "./message-files.ts";
import { findTurn, requireSameContent, type TurnReference } from "./turn-reference.ts";
import type { MessageStore } from "./message-store.ts";
import type { RoomRuntime } from "./runtime.ts";
import type { SettingsCache } from "./settings-cache.ts";
import { countCall } from "../../models/usage/record.ts";
import { titleOf } from "./title.ts";
import { runTurn } from "../../agent/turn/run-turn.ts";

/** The interval of the alarm that detects a crashed room during a turn, in ms. */
const crashCheckMs = 25_000;

/** Number of earlier messages from which the usage of an interrupted turn is estimated. */
const usageEstimateMessages = 50;

/** What a turn starts with: its settings, the facts that it may use, and what it may do with the memory. */
type PreparedTurn = { settings: TurnSettings; facts: readonly RememberedFact[]; memoryUse: MemoryUse };

/** Runs the turns of a conversation, one at a time. A disconnecting client stops no turn. */
export class TurnManager {
  readonly #runtime: RoomRuntime;
  readonly #conversation: Conversation;
  readonly #stateStore: RoomStateStore;
  readonly #transcript: MessageStore;
  readonly #projector: OutboxWorker;
  readonly #sharing: ForkSharing;
  readonly #settings: SettingsCache;
  readonly #hub: HubSubscription;
  #activeTurn: ActiveTurn | undefined;

  constructor(runtime: RoomRuntime, conversation: Conversation, settings: SettingsCache, hub: HubSubscription) {
    this.#runtime = runtime;
    this.#conversation = conversation;
    this.#stateStore = conversation.stateStore;
    this.#transcript = conversation.transcript;
    this.#projector = conversation.projector;
    this.#sharing = conversation.forks;
    this.#settings = settings;
    this.#hub = hub;
  }

  /** Finishes an answer that was running when the room crashed. Its published text stays. Called at the start. */
  recoverInterruptedTurn(): void {
    const last = this.#transcript.last();
    const state = this.#stateStore.conversation;
    if (last?.message.status !== "streaming" || state === undefined) return;
    const { message } = last;
    replayFrames(message, this.#runtime.framesAfter(last.seq) ?? []);
    const { id: message_id, text } = message;
    this.#runtime.publish({
      type: "message.reset",
      message_id,
      length: text.length,
      reasoning_length: reasoningLength(message),
    });
    const outcome = estimateInterruptedTurn(message, this.#transcript.before(usageEstimateMessages, message.id));
    // The request that started the turn is not known any more.
    const ctx = this.#runtime.context();
    for (const { record } of outcome.calls) countCall(ctx, record);
    this.#finishTurn(ctx, state, message, outcome);
    logTurn(ctx, state, message);
  }

  // ── Turns ──────────────────────────────────────────────────────────────────

  async send(caller: RoomCaller, input: SendMessageInput): Promise<StartedTurn> {
    const { client_id, text, attachment_ids } = input;
    const state = await this.#conversation.requireOwner(caller.user_id);
    const known = this.#transcript.byClientId(client_id);
    if (known !== undefined) return this.#existingTurn(known, { text, attachment_ids });
    const sources = await this.#prepareSources(state, caller, input);
    // No await from here on. During the awaits above, another request may have stored this message.
    const concurrent = this.#transcript.byClientId(client_id);
    if (concurrent !== undefined) return this.#existingTurn(concurrent, { text, attachment_ids });
    this.#requireNoActiveTurn();
    const files = resolveAttachments(this.#stateStore, attachment_ids, sources.settings);
    return this.#startTurn(caller, state, sources, this.#storeUserMessage(text, files, client_id));
  }

  /**
   * Answers a message again; later messages are removed. A message that did not arrive is sent, and a running turn that a retry refers to is
   * returned.
   * @throws not_found, validation_failed; conflict if there is no message to answer, or a turn is running
   */
  async regenerate(caller: RoomCaller, reference: TurnReference, options: TurnOptions = {}): Promise<StartedTurn> {
    const state = await this.#conversation.requireOwner(caller.user_id);
    const sources = await this.#prepareSources(state, caller, options);
    const requested = findTurn(this.#transcript, reference);
    if (requested === undefined) {
      const { client_id, text, attachment_ids = [] } = reference;
      return this.send(caller, { ...options, client_id: client_id!, text: text!, attachment_ids });
    }
    await this.#sharing.copyToForksFrom(requested.question.id + 1);
    const { question, answer } = findTurn(this.#transcript, reference) ?? requested;
    const isRetry = reference.client_id !== undefined && answer?.id === this.#activeTurn?.message.id;
    if (isRetry && answer !== undefined) return this.#startedTurn(question, answer);
    this.#requireNoActiveTurn();
    const [next] = this.#transcript.after(question.id);
    if (next !== undefined) this.#conversation.removeFrom(state, next.id, caller.request_id);
    return this.#startTurn(caller, state, sources, question);
  }

  /**
   * Replaces a message and answers it; later messages are removed.
   * @param reference the ID of the message, or an ID by which a client knows it
   * @throws not_found, validation_failed; conflict if the message is an answer, or a turn is running
   */
  async edit(caller: RoomCaller, reference: string, { text, attachment_ids, ...options }: EditInput): Promise<StartedTurn> {
    const state = await this.#conversation.requireOwner(caller.user_id);
    const sources = await this.#prepareSources(state, caller, options);
    await this.#sharing.copyToForksFrom(this.#transcript.requireReference(reference).id);
    this.#requireNoActiveTurn();
    const message = this.#transcript.requireReference(reference);
    if (message.role !== "user") throw new AppError("conflict", "Only your own messages can be edited.");
    const files =
      attachment_ids === undefined
        ? message.parts.filter((part) => part.type === "file")
        : resolveAttachments(this.#stateStore, attachment_ids, sources.settings);
    const clientIds = this.#transcript.clientIdsOfReplacement(message.id);
    this.#conversation.removeFrom(state, message.id, caller.request_id);
    return this.#startTurn(caller, state, sources, this.#storeUserMessage(text, files, null, clientIds));
  }

  async stop(userId: number): Promise<boolean> {
    await this.#conversation.requireOwner(userId);
    const running = this.#activeTurn;
    running?.stop();
    await running?.done;
    return running !== undefined;
  }

  async resolveApproval(userId: number, callId: string, isApproved: boolean): Promise<{ call_id: string }> {
    await this.#conversation.requireOwner(userId);
    if (this.#activeTurn?.resolveApproval(callId, isApproved) !== true) {
      throw new AppError("not_found", "No tool call with this ID is waiting for approval.");
    }
    return { call_id: callId };
  }

  async activeAnswer(userId: number): Promise<Message | null> {
    await this.#conversation.requireOwner(userId);
    return this.#activeTurn === undefined ? null : structuredClone(this.#activeTurn.message);
  }

  /** The message after its turn has ended. */
  async waitForMessage(userId: number, messageId: number): Promise<Message> {
    await this.#conversation.requireOwner(userId);
    if (this.#activeTurn?.message.id === messageId) await this.#activeTurn.done;
    return this.#conversation.read(userId, messageId);
  }

  // ── The room ───────────────────────────────────────────────────────────────

  /** The time of the next alarm, in milliseconds since the epoch; undefined if none is needed. */
  dueAt(now: number): number | undefined {
    const crashCheckAt = this.#activeTurn === undefined ? undefined : now + crashCheckMs;
    const due = [crashCheckAt, this.#projector.dueAt].filter((at) => at !== undefined);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** Stops the running turn and copies inherited messages to the forks, before the room is erased. */
  async shutDown(): Promise<void> {
    this.#activeTurn?.stop();
    await this.#activeTurn?.done;
    await this.#sharing.copyToForksFrom(0);
    this.#settings.clear();
  }

  // ── Internals ──────────────────────────────────────────────────────────────

  /** The settings of a turn, and the memory that it uses. */
  async #prepareSources(
    state: ConversationState,
    { request_id }: RoomCaller,
    { overrides = {}, memory: use = "none" }: TurnOptions & { overrides?: Overrides },
  ): Promise<PreparedTurn> {
    await this.#sharing.detachFromOrigin();
    const { settings, memory } = await this.#settings.get(state, request_id);
    const memoryUse = state.temporary || !memory.enabled ? "none" : use;
    return { settings: withOverrides(settings, overrides), facts: memoryUse === "none" ? [] : memory.facts, memoryUse };
  }

  /** Stores a fact that the model proposed in an answer. */
  async #remember(ctx: Ctx, { user_id, minion_id, id }: ConversationState, question: Message, text: string) {
    const message = { message_id: question.id, conversation_id: id };
    const stored = await storeFact(ctx, { userId: user_id, minionId: minion_id }, { text, source: "model", message });
    this.#settings.clear();
    return stored;
  }

  #requireNoActiveTurn(): void {
    if (this.#activeTurn !== undefined)
      throw new AppError("conflict", "The minion is still answering. Wait for the answer, or stop it.");
  }

  /** @throws validation_failed if the message was sent with another content */
  #existingTurn(message: Message, content: { text: string; attachment_ids: string[] }): StartedTurn {
    requireSameContent(message, content, (id) => this.#stateStore.attachment(id));
    const { answer } = this.#transcript.turnOf(message);
    if (answer === undefined) throw new AppError("conflict", "The answer to this message was deleted. Send a new message.");
    return this.#startedTurn(message, answer);
  }

  #startedTurn(message: Message, answer: Message): StartedTurn {
    return { message, answer, seq: this.#runtime.lastSeq(), is_new: false };
  }

  /** Stores and publishes a message of the user. */
  #storeUserMessage(text: string, files: Message["parts"], clientId: string | null, clientIds = clientId): Message {
    const id = this.#conversation.nextId();
    const message = {
      ...newMessage(id, this.#stateStore.conversation!.id),
      text,
      parts: [...files, { type: "text" as const, text }],
    };
    message.completed_at = message.created_at;
    this.#runtime.publish({ type: "message.created", message, client_id: clientId });
    this.#transcript.put(message, this.#runtime.lastSeq(), clientIds);
    return message;
  }

  #startTurn(
    caller: RoomCaller,
    state: ConversationState,
    { settings, facts, memoryUse }: PreparedTurn,
    question: Message,
  ): StartedTurn {
    const runtime = this.#runtime;
    const startedAt = performance.now();
    const seq = runtime.lastSeq();
    const answer = newAnswer(this.#conversation.nextId(), state.id, firstModel(settings));
    runtime.publish({ type: "message.created", message: answer, client_id: null });
    this.#transcript.put(answer, runtime.lastSeq());
    runtime.scheduleAlarm(Date.now() + crashCheckMs);
    this.#hub.renew(caller.request_id);
    const started = { message: question, answer: structuredClone(answer), seq, is_new: true };
    const { summary } = this.#stateStore;
    const messages = this.#transcript.after(summary?.up_to ?? 0).filter(({ id }) => id < answer.id);
    const { pinned_facts } = this.#stateStore.conversation!;
    const ctx = runtime.context(caller.request_id);
    const tools = runtime.tools();
    const readFile = (id: string) => this.#readFile(id);
    const remember = memoryUse === "propose" ? (text: string) => this.#remember(ctx, state, question, text) : undefined;
    const run = (callbacks: TurnCallbacks) =>
      runTurn({ ctx, settings, tools, remember, readFile, ...callbacks }, { messages, summary, pinned_facts, facts });
    const running = new ActiveTurn(answer, runtime, run, ctx.requestId);
    this.#activeTurn = running;
    this.#conversation.activeAnswer = answer;
    ctx.waitUntil(this.#awaitTurn(ctx, running, state, startedAt));
    return started;
  }

  /** Finishes a turn after it has ended. */
  async #awaitTurn(ctx: Ctx, running: ActiveTurn, state: ConversationState, startedAt: number): Promise<void> {
    const outcome = await running.done;
    this.#activeTurn = this.#conversation.activeAnswer = undefined;
    this.#finishTurn(ctx, this.#stateStore.conversation ?? state, running.message, outcome);
    logTurn(ctx, state, running.message, millisecondsSince(startedAt));
  }

  /** Stores and publishes the end of an answer, and enqueues the turn for Postgres. */
  #finishTurn(ctx: Ctx, state: ConversationState, answer: Message, outcome: TurnOutcome): void {
    const question = this.#transcript.before(1, answer.id)[0]!;
    this.#runtime.publish(finishAnswer(ctx, answer, outcome));
    this.#transcript.put(answer, this.#runtime.lastSeq());
    const { temporary } = state;
    const title = temporary ? "" : titleOf(state.title, question, answer);
    if (title !== "") this.#conversation.saveAndPublish({ ...state, title });
    const { isInterrupted: _, ...result } = outcome;
    const message_count = this.#transcript.count();
    this.#projector.add({
      kind: "turn",
      of: { ...projectionOwner(state), title, message_count, temporary, messages: [question, answer], result },
      request_id: ctx.requestId,
    });
  }

  async #readFile(id: string): Promise<Uint8Array | null> {
    const attachment = this.#stateStore.attachment(id);
    const object = attachment && (await withR2Errors(this.#runtime.env.FILES.get(attachment.key)));
    return object ? new Uint8Array(await object.arrayBuffer()) : null;
  }
}

/** Writes the line of a turn. @param durationMs unknown after a crash */
function logTurn(ctx: Ctx, { user_id }: ConversationState, { status, error }: Message, durationMs?: number): void {
  logEvent(ctx, {
    event: "turn",
    outcome: status === "complete" ? "ok" : status,
    error_code: error?.code,
    user_id,
    duration_ms: durationMs,
  });
}

/** The model that is called first. */
function firstModel({ modelCandidates: [first] }: TurnSettings): string | null {
  if (first === undefined) return null;
  return first.provider === null ? first.model : `${first.provider}/${first.model_id}`;
}
