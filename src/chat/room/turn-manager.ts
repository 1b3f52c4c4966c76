import { AppError } from "../../kit/errors.ts";
import { inStore } from "../../kit/storage/r2.ts";
import { blank, emptyAnswer, reasoningLength } from "../../agent/message/apply-frame.ts";
import { Answering, recover } from "../../agent/turn/active-turn.ts";
import { ofWhom, type Conversation } from "./conversation.ts";
import { brokenOff, finish, type Ending } from "../../agent/turn/finish-turn.ts";
import type { Message } from "../../agent/types.ts";
import type { Sharing } from "./fork-sharing.ts";
import type { ConversationNotes, Notes } from "./state-store.ts";
import type { Projector } from "../sync/outbox-worker.ts";
import type { Ask, Sent } from "./client.ts";
import { withOverrides, type Overrides, type Settings } from "../../agent/settings.ts";
import type { HubSubscription } from "./hub-subscription.ts";
import { resolveAttachments } from "./message-files.ts";
import type { Transcript } from "./message-store.ts";
import type { RoomRuntime } from "./runtime.ts";
import type { SettingsCache } from "./settings-cache.ts";
import { titleOf } from "./title.ts";
import { runTurn } from "../../agent/turn/run-turn.ts";

/** How long a room that went down stays unnoticed at most, in ms. */
const watchMs = 25_000;

/** Messages by which it is estimated what an answer was told that broke off. */
const historyShown = 50;

/** The turns of a conversation, of which one is under way at most. Who leaves ends none. */
export class Turns {
  readonly #runtime: RoomRuntime;
  readonly #conversation: Conversation;
  readonly #notes: Notes;
  readonly #transcript: Transcript;
  readonly #projector: Projector;
  readonly #sharing: Sharing;
  readonly #settings: SettingsCache;
  readonly #hub: HubSubscription;
  #running: Answering | undefined;

  constructor(runtime: RoomRuntime, conversation: Conversation, settings: SettingsCache, hub: HubSubscription) {
    this.#runtime = runtime;
    this.#conversation = conversation;
    this.#notes = conversation.notes;
    this.#transcript = conversation.transcript;
    this.#projector = conversation.projector;
    this.#sharing = conversation.sharing;
    this.#settings = settings;
    this.#hub = hub;
  }

  /** Ends an answer that was under way when the room went down: what was told of it stays. For the start. */
  recover(): void {
    const last = this.#transcript.last();
    const notes = this.#notes.conversation;
    if (last?.message.status !== "streaming" || notes === undefined) return;
    const { message } = last;
    recover(message, this.#runtime.framesAfter(last.seq) ?? []);
    const { id: message_id, text } = message;
    this.#runtime.publish({
      type: "message.reset",
      message_id,
      length: text.length,
      reasoning_length: reasoningLength(message),
    });
    this.#end(notes, message, brokenOff(message, this.#transcript.page(historyShown, message.id)));
  }

  // ── Turns ──────────────────────────────────────────────────────────────────

  async send(userId: number, { client_id, text, attachment_ids, overrides = {} }: Ask): Promise<Sent> {
    const notes = await this.#conversation.open(userId);
    const known = this.#transcript.named(client_id);
    if (known !== undefined) return this.#sentBefore(known);
    const settings = await this.#readyFor(notes, overrides);
    // Nothing is waited for from here on: another message may have come in between.
    const twin = this.#transcript.named(client_id);
    if (twin !== undefined) return this.#sentBefore(twin);
    this.#refuseWhileAnswering();
    const files = resolveAttachments(this.#notes, attachment_ids, settings);
    return this.#begin(notes, settings, this.#written(text, files, client_id));
  }

  /** @throws conflict where there is nothing to be answered, or it is being */
  async regenerate(userId: number): Promise<Sent> {
    const notes = await this.#conversation.open(userId);
    const settings = await this.#readyFor(notes);
    await this.#sharing.giveFrom(this.#transcript.lastTurn().asked.id + 1);
    this.#refuseWhileAnswering();
    const { asked, answer } = this.#transcript.lastTurn();
    if (answer !== undefined) this.#conversation.removeFrom(notes, answer.id);
    return this.#begin(notes, settings, asked);
  }

  /** @throws not_found; conflict for a message of the minion's, or while it answers */
  async edit(userId: number, messageId: number, text: string): Promise<Sent> {
    const notes = await this.#conversation.open(userId);
    const settings = await this.#readyFor(notes);
    await this.#sharing.giveFrom(messageId);
    this.#refuseWhileAnswering();
    const message = this.#transcript.require(messageId);
    if (message.role !== "user") throw new AppError("conflict", "What the minion said cannot be edited.");
    this.#conversation.removeFrom(notes, messageId);
    const files = message.parts.filter((part) => part.type === "file");
    return this.#begin(notes, settings, this.#written(text, files, null));
  }

  async stop(userId: number): Promise<boolean> {
    await this.#conversation.open(userId);
    const running = this.#running;
    running?.stop();
    await running?.done;
    return running !== undefined;
  }

  async decide(userId: number, callId: string, isApproved: boolean): Promise<{ call_id: string }> {
    await this.#conversation.open(userId);
    if (this.#running?.decide(callId, isApproved) !== true) {
      throw new AppError("not_found", "No call of this number waits to be allowed.");
    }
    return { call_id: callId };
  }

  async running(userId: number): Promise<Message | null> {
    await this.#conversation.open(userId);
    return this.#running === undefined ? null : structuredClone(this.#running.message);
  }

  /** A message once it changes no more. */
  async settled(userId: number, messageId: number): Promise<Message> {
    await this.#conversation.open(userId);
    if (this.#running?.message.id === messageId) await this.#running.done;
    return this.#conversation.read(userId, messageId);
  }

  // ── The room ───────────────────────────────────────────────────────────────

  /** Whether something is due, and when, in milliseconds since the epoch. */
  dueAt(now: number): number | undefined {
    const watched = this.#running === undefined ? undefined : now + watchMs;
    const due = [watched, this.#projector.dueAt].filter((at) => at !== undefined);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** Ends what is under way, and gives forks what they show: all of it is to be deleted. */
  async leave(): Promise<void> {
    this.#running?.stop();
    await this.#running?.done;
    await this.#sharing.giveFrom(0);
    this.#settings.clear();
  }

  // ── Within ─────────────────────────────────────────────────────────────────

  async #readyFor(notes: ConversationNotes, overrides: Overrides = {}): Promise<Settings> {
    await this.#sharing.standAlone();
    return withOverrides(await this.#settings.get(notes), overrides);
  }

  #refuseWhileAnswering(): void {
    if (this.#running !== undefined) throw new AppError("conflict", "The minion is answering: wait, or stop it.");
  }

  #sentBefore(message: Message): Sent {
    const [answer] = this.#transcript.after(message.id);
    if (answer === undefined) throw new AppError("conflict", "The answer to this message was removed.");
    return { message, answer, seq: this.#runtime.lastSeq(), is_new: false };
  }

  /** Writes down a message of the user's, and tells of it. */
  #written(text: string, files: Message["parts"], clientId: string | null): Message {
    const id = this.#conversation.nextId();
    const message = {
      ...blank(id, this.#notes.conversation!.id),
      text,
      parts: [...files, { type: "text" as const, text }],
    };
    message.completed_at = message.created_at;
    this.#runtime.publish({ type: "message.created", message, client_id: clientId });
    this.#transcript.put(message, this.#runtime.lastSeq(), clientId);
    return message;
  }

  #begin(notes: ConversationNotes, settings: Settings, asked: Message): Sent {
    const runtime = this.#runtime;
    const seq = runtime.lastSeq();
    const answer = emptyAnswer(this.#conversation.nextId(), notes.id, firstModel(settings));
    runtime.publish({ type: "message.created", message: answer, client_id: null });
    this.#transcript.put(answer, runtime.lastSeq());
    runtime.scheduleAlarm(Date.now() + watchMs);
    this.#hub.renew();
    const sent = { message: asked, answer: structuredClone(answer), seq, is_new: true };
    const { summary } = this.#notes;
    const messages = this.#transcript.after(summary?.up_to ?? 0).filter(({ id }) => id < answer.id);
    const { pinned_facts } = this.#notes.conversation!;
    const ctx = runtime.context();
    const tools = runtime.tools();
    const readFile = (id: string) => this.#fileOf(id);
    const running = new Answering(answer, runtime, (callbacks) =>
      runTurn({ ctx, settings, tools, readFile, ...callbacks }, { messages, summary, pinned_facts }),
    );
    this.#running = running;
    this.#conversation.underWay = answer;
    ctx.defer(this.#see(running, notes));
    return sent;
  }

  /** Waits for the end of a turn. */
  async #see(running: Answering, notes: ConversationNotes): Promise<void> {
    const ending = await running.done;
    this.#running = this.#conversation.underWay = undefined;
    this.#end(this.#notes.conversation ?? notes, running.message, ending);
  }

  /** Writes down how an answer ended, and tells of it. */
  #end(notes: ConversationNotes, answer: Message, ending: Ending): void {
    const asked = this.#transcript.page(1, answer.id)[0]!;
    this.#runtime.publish(finish(this.#runtime.context(), answer, ending));
    this.#transcript.put(answer, this.#runtime.lastSeq());
    const title = titleOf(notes.title, asked, answer);
    if (title !== "") this.#conversation.keep({ ...notes, title });
    const { isInterrupted: _, ...result } = ending;
    const message_count = this.#transcript.count();
    this.#projector.add({
      kind: "turn",
      of: { ...ofWhom(notes), title, message_count, messages: [asked, answer], result },
    });
  }

  async #fileOf(id: string): Promise<Uint8Array | null> {
    const attachment = this.#notes.attachment(id);
    const object = attachment && (await inStore(this.#runtime.env.FILES.get(attachment.key)));
    return object ? new Uint8Array(await object.arrayBuffer()) : null;
  }
}

/** The model that is asked first. */
function firstModel({ answering: [first] }: Settings): string | null {
  if (first === undefined) return null;
  return first.provider === null ? first.model : `${first.provider}/${first.model_id}`;
}
