import type { Ctx } from "../context.ts";
import { AppError } from "../kit/errors.ts";
import { inStore } from "../kit/files.ts";
import { log } from "../kit/log.ts";
import { askHub } from "../notifications/hub.ts";
import { Answering, recover } from "./answering.ts";
import { blank, emptyAnswer, reasoningLength, type AnswerFrame } from "./answer.ts";
import { brokenOff, finish, titleOf, type Ending } from "./ending.ts";
import { Sharing, type Origin, type Shared } from "./forks.ts";
import type { Attachment, Message } from "./messages.ts";
import { Notes, type ConversationNotes } from "./notes.ts";
import { Projector } from "./projector.ts";
import type { RoomFrame } from "./protocol.ts";
import type { Ask, Overrides, Sent } from "./room.ts";
import { getConversation } from "./service.ts";
import { readSettings, withOverrides, type Settings } from "./settings.ts";
import type { Tool } from "./tools.ts";
import { filesOf, Transcript } from "./transcript.ts";
import { runTurn } from "./turn.ts";

/** What a conversation is given by the room that it is held in. */
export type Host = {
  storage: DurableObjectStorage;
  env: Cloudflare.Env;
  id(): number;
  context(): Ctx;
  tools(): readonly Tool[];
  publish(frame: Exclude<RoomFrame, { from_seq: number }>): void;
  tell(frame: AnswerFrame): void;
  flush(): void;
  lastSeq(): number;
  toldAfter(seq: number): { type: string; message_id?: unknown }[] | undefined;
  ringBy(at: number): void;
  /** Nothing of the conversation is to be left. */
  erase(): Promise<void>;
};

/** How long settings are believed, and from when on they are read again beside a turn, in ms. */
const settingsMs = 60_000;
const agingMs = 20_000;

/** How long the hub tells a room what becomes of its owner, in ms: longer than a socket lives. */
const heedMs = 30 * 60_000;

/** Messages by which it is estimated what an answer was told that broke off. */
const historyShown = 50;

/** How long a room that went down stays unnoticed at most, in ms. */
const watchMs = 25_000;

/**
 * A conversation as its room holds it: its messages, and the turn that is under way, of which there is one at most. What is asked for is
 * refused to anybody but its owner.
 */
export class Conversation {
  readonly #host: Host;
  readonly #notes: Notes;
  readonly #transcript: Transcript;
  readonly #projector: Projector;
  readonly #sharing: Sharing;
  #running: Answering | undefined;
  #heardUntil = 0;
  #settings: { read: Settings; at: number } | undefined;

  constructor(host: Host) {
    const { storage, env } = host;
    this.#host = host;
    this.#notes = new Notes(storage.kv);
    this.#transcript = new Transcript(storage.sql);
    this.#projector = new Projector(storage.sql, {
      context: () => host.context(),
      ringBy: (at) => host.ringBy(at),
      onGone: () => host.erase(),
    });
    const of = { storage, rooms: env.CHAT_ROOM, notes: this.#notes, transcript: this.#transcript };
    this.#sharing = new Sharing({ ...of, lastSeq: () => host.lastSeq() });
  }

  /** Ends an answer that was under way when the room went down: what was told of it stays. For the start. */
  recover(): void {
    const last = this.#transcript.last();
    const notes = this.#notes.conversation;
    if (last?.message.status !== "streaming" || notes === undefined) return;
    const { message } = last;
    recover(message, this.#host.toldAfter(last.seq) ?? []);
    const { id: message_id, text } = message;
    this.#host.publish({
      type: "message.reset",
      message_id,
      length: text.length,
      reasoning_length: reasoningLength(message),
    });
    this.#end(notes, message, brokenOff(message, this.#transcript.page(historyShown, message.id)));
  }

  // ── Turns ──────────────────────────────────────────────────────────────────

  async send(userId: number, { client_id, text, attachment_ids, overrides = {} }: Ask): Promise<Sent> {
    const notes = await this.open(userId);
    const known = this.#transcript.named(client_id);
    if (known !== undefined) return this.#sentBefore(known);
    const settings = await this.#readyFor(notes, overrides);
    // Nothing is waited for from here on: another message may have come in between.
    const twin = this.#transcript.named(client_id);
    if (twin !== undefined) return this.#sentBefore(twin);
    this.#refuseWhileAnswering();
    const files = filesOf(this.#notes, attachment_ids, settings);
    return this.#begin(notes, settings, this.#written(text, files, client_id));
  }

  /** @throws conflict where there is nothing to be answered, or it is being */
  async regenerate(userId: number): Promise<Sent> {
    const notes = await this.open(userId);
    const settings = await this.#readyFor(notes);
    await this.#sharing.giveFrom(this.#transcript.lastTurn().asked.id + 1);
    this.#refuseWhileAnswering();
    const { asked, answer } = this.#transcript.lastTurn();
    if (answer !== undefined) this.#removeFrom(notes, answer.id);
    return this.#begin(notes, settings, asked);
  }

  /** @throws not_found; conflict for a message of the minion's, or while it answers */
  async edit(userId: number, messageId: number, text: string): Promise<Sent> {
    const notes = await this.open(userId);
    const settings = await this.#readyFor(notes);
    await this.#sharing.giveFrom(messageId);
    this.#refuseWhileAnswering();
    const message = this.#transcript.require(messageId);
    if (message.role !== "user") throw new AppError("conflict", "What the minion said cannot be edited.");
    this.#removeFrom(notes, messageId);
    const files = message.parts.filter((part) => part.type === "file");
    return this.#begin(notes, settings, this.#written(text, files, null));
  }

  async stop(userId: number): Promise<boolean> {
    await this.open(userId);
    const running = this.#running;
    running?.stop();
    await running?.done;
    return running !== undefined;
  }

  async decide(userId: number, callId: string, isApproved: boolean): Promise<{ call_id: string }> {
    await this.open(userId);
    if (this.#running?.decide(callId, isApproved) !== true) {
      throw new AppError("not_found", "No call of this number waits to be allowed.");
    }
    return { call_id: callId };
  }

  async running(userId: number): Promise<Message | null> {
    await this.open(userId);
    return this.#running === undefined ? null : structuredClone(this.#running.message);
  }

  // ── Messages ───────────────────────────────────────────────────────────────

  async list(userId: number, page: { limit: number; before?: number | undefined }) {
    await this.open(userId);
    return this.show(page);
  }

  /** The last messages before one, as they are at this moment, and how many there are. The first to be awaited is what is shared. */
  async show({ limit, before }: { limit: number; before?: number | undefined }): Promise<{ messages: Message[]; total: number }> {
    const own = this.#transcript.page(limit, before).map((message) => this.#live(message));
    const count = this.#transcript.count();
    const { messages: shared } = await this.#sharing.shown();
    const earlier = shared.filter(({ id }) => before === undefined || id < before);
    return { messages: [...earlier, ...own].slice(-limit), total: shared.length + count };
  }

  /** What somebody is shown beside the messages. */
  get state() {
    const { title = "", minion_id = 0, pinned_facts = [] } = this.#notes.conversation ?? {};
    return { title, minion_id, pinned_facts, is_answering: this.#running !== undefined };
  }

  async read(userId: number, messageId: number): Promise<Message> {
    await this.open(userId);
    const shared = await this.#sharing.shown();
    return this.#live(shared.messages.find(({ id }) => id === messageId) ?? this.#transcript.require(messageId));
  }

  /** A message once it changes no more. */
  async settled(userId: number, messageId: number): Promise<Message> {
    await this.open(userId);
    if (this.#running?.message.id === messageId) await this.#running.done;
    return this.read(userId, messageId);
  }

  /** @throws not_found; conflict for what is no answer, streams, or was confirmed as something else */
  async change(userId: number, messageId: number, change: Partial<Pick<Message, "feedback" | "confirmed">>): Promise<Message> {
    const notes = await this.open(userId);
    await this.#sharing.standAlone();
    const message = this.#transcript.require(messageId);
    if (message.role !== "assistant" || message.status === "streaming") {
      throw new AppError("conflict", "This is no answer that is complete.");
    }
    const { confirmed } = message;
    if (change.confirmed != null && confirmed !== null) {
      if (confirmed === change.confirmed) return message;
      throw new AppError("conflict", `It is confirmed already, as ${confirmed === "task" ? "a task" : "an error"}.`);
    }
    Object.assign(message, change);
    this.#host.publish({
      type: "message.updated",
      message_id: messageId,
      feedback: message.feedback,
      confirmed: message.confirmed,
    });
    this.#transcript.put(message, this.#host.lastSeq());
    this.#projector.add({ kind: "change", of: { ...ofWhom(notes), message } });
    return message;
  }

  async attach(userId: number, attachment: Attachment): Promise<Attachment> {
    await this.open(userId);
    this.#notes.attach(attachment);
    return attachment;
  }

  // ── Forks ──────────────────────────────────────────────────────────────────

  async fork(userId: number, messageId: number, into: number): Promise<{ into: number }> {
    await this.open(userId);
    await this.#sharing.standAlone();
    if (this.#live(this.#transcript.require(messageId)).status === "streaming") {
      throw new AppError("conflict", "This answer is not complete yet.");
    }
    await this.#sharing.share({ conversation_id: into, message_id: messageId });
    return { into };
  }

  async descend(userId: number, origin: Origin): Promise<Origin> {
    await this.open(userId);
    this.#sharing.descend(origin);
    return origin;
  }

  async prefix(userId: number, upTo: number): Promise<Shared> {
    await this.open(userId);
    await this.#sharing.standAlone();
    return this.#sharing.prefix(upTo);
  }

  /** What it shares. */
  get sharing(): Sharing {
    return this.#sharing;
  }

  // ── What it is told ────────────────────────────────────────────────────────

  update(userId: number, changes: Partial<Pick<ConversationNotes, "title" | "pinned_facts">>): void {
    const notes = this.#notes.conversation;
    if (notes?.user_id !== userId) return;
    this.#keep({ ...notes, ...changes });
  }

  /** Asks its owner's hub to be told when they sign out, are banned, or change what is kept here; now and then is enough. */
  heedHub(): void {
    const notes = this.#notes.conversation;
    const now = Date.now();
    if (notes === undefined || now < this.#heardUntil - heedMs / 2) return;
    this.#heardUntil = now + heedMs;
    const room = { binding: "CHAT_ROOM" as const, name: String(notes.id) };
    const ctx = this.#host.context();
    const asked = askHub(ctx, notes.user_id, (hub) => hub.watch(room, now + heedMs)).catch((error: unknown) => {
      this.#heardUntil = 0;
      log("warn", "A room will not hear of its owner.", { error });
    });
    ctx.defer(asked);
  }

  forgetSettings(): void {
    this.#settings = undefined;
  }

  /** Whether something is due, and when, in milliseconds since the epoch. */
  dueAt(now: number): number | undefined {
    const watched = this.#running === undefined ? undefined : now + watchMs;
    const due = [watched, this.#projector.dueAt].filter((at) => at !== undefined);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  ring(): Promise<void> {
    return this.#projector.run();
  }

  /** Ends what is under way, and gives forks what they show: all of it is to be deleted. */
  async leave(): Promise<void> {
    this.#running?.stop();
    await this.#running?.done;
    await this.#sharing.giveFrom(0);
    this.#settings = undefined;
  }

  /** Learns what conversation this is, if it does not know. @throws not_found for one that is not there, or not theirs */
  async open(userId: number): Promise<ConversationNotes> {
    const known = this.#notes.conversation;
    if (known !== undefined && known.user_id !== userId) throw notFound("conversation");
    if (known !== undefined) return known;
    const { id, minion_id, title, pinned_facts } = await getConversation(this.#host.context(), userId, this.#host.id());
    const notes = { id, user_id: userId, minion_id, title, pinned_facts };
    this.#notes.keep(notes);
    return notes;
  }

  // ── Within ─────────────────────────────────────────────────────────────────

  #keep(notes: ConversationNotes): void {
    this.#notes.keep(notes);
    this.#host.publish({ type: "conversation.updated", title: notes.title, pinned_facts: notes.pinned_facts });
  }

  async #readyFor({ user_id, minion_id }: ConversationNotes, overrides: Overrides = {}): Promise<Settings> {
    await this.#sharing.standAlone();
    const age = Date.now() - (this.#settings?.at ?? 0);
    if (age >= settingsMs) await this.#readSettings(user_id, minion_id);
    // Whether they still hold is looked up beside the turn, so that the next need not wait for it.
    else if (age >= agingMs) this.#host.context().defer(this.#readSettings(user_id, minion_id).catch(() => this.forgetSettings()));
    return withOverrides(this.#settings!.read, overrides);
  }

  async #readSettings(userId: number, minionId: number): Promise<void> {
    const read = await readSettings(this.#host.context(), userId, minionId);
    this.#settings = { read, at: Date.now() };
  }

  #refuseWhileAnswering(): void {
    if (this.#running !== undefined) throw new AppError("conflict", "The minion is answering: wait, or stop it.");
  }

  #sentBefore(message: Message): Sent {
    const [answer] = this.#transcript.after(message.id);
    if (answer === undefined) throw new AppError("conflict", "The answer to this message was removed.");
    return { message, answer: this.#live(answer), seq: this.#host.lastSeq(), is_new: false };
  }

  /** Writes down a message of the user's, and tells of it. */
  #written(text: string, files: Message["parts"], clientId: string | null): Message {
    const id = this.#nextId();
    const message = { ...blank(id, this.#host.id()), text, parts: [...files, { type: "text" as const, text }] };
    message.completed_at = message.created_at;
    this.#host.publish({ type: "message.created", message, client_id: clientId });
    this.#transcript.put(message, this.#host.lastSeq(), clientId);
    return message;
  }

  #nextId(): number {
    return this.#transcript.nextId(this.#host.id(), this.#notes.places);
  }

  /** Removes a message and all after it, here and in Postgres. */
  #removeFrom(notes: ConversationNotes, messageId: number): void {
    this.#notes.removed(messageId, this.#transcript.places(notes.id));
    this.#transcript.removeFrom(messageId);
    this.#host.publish({ type: "messages.removed", from_message_id: messageId });
    const message_count = this.#transcript.count();
    this.#projector.add({ kind: "removal", of: { ...ofWhom(notes), from_message_id: messageId, message_count } });
  }

  /** A message as it is at this moment, be it under way. */
  #live(message: Message): Message {
    return this.#running?.message.id === message.id ? structuredClone(this.#running.message) : message;
  }

  #begin(notes: ConversationNotes, settings: Settings, asked: Message): Sent {
    const host = this.#host;
    const seq = host.lastSeq();
    const answer = emptyAnswer(this.#nextId(), notes.id, firstModel(settings));
    host.publish({ type: "message.created", message: answer, client_id: null });
    this.#transcript.put(answer, host.lastSeq());
    host.ringBy(Date.now() + watchMs);
    this.heedHub();
    const sent = { message: asked, answer: structuredClone(answer), seq, is_new: true };
    const past = { messages: this.#transcript.after(this.#notes.summary?.up_to ?? 0).filter(({ id }) => id < answer.id) };
    const ctx = host.context();
    const stage = {
      tell: (frame: AnswerFrame) => host.tell(frame),
      flush: () => host.flush(),
      keepSummary: this.#notes.keepSummary.bind(this.#notes),
    };
    const running = new Answering(answer, stage, (line) =>
      runTurn(
        { ctx, settings, tools: host.tools(), readFile: (id) => this.#fileOf(id), ...line },
        { ...past, summary: this.#notes.summary, pinned_facts: notes.pinned_facts },
      ),
    );
    this.#running = running;
    const ended = running.done.then((result) => {
      this.#running = undefined;
      this.#end(this.#notes.conversation ?? notes, answer, { ...result, isInterrupted: running.isOverdue });
    });
    ctx.defer(ended);
    return sent;
  }

  /** Writes down how an answer ended, and tells of it. */
  #end(notes: ConversationNotes, answer: Message, ending: Ending): void {
    const asked = this.#transcript.page(1, answer.id)[0]!;
    this.#host.publish(finish(this.#host.context(), answer, ending));
    this.#transcript.put(answer, this.#host.lastSeq());
    const title = titleOf(notes.title, asked, answer);
    if (title !== "") this.#keep({ ...notes, title });
    const { isInterrupted: _, ...result } = ending;
    const message_count = this.#transcript.count();
    this.#projector.add({ kind: "turn", of: { ...ofWhom(notes), title, message_count, messages: [asked, answer], result } });
  }

  async #fileOf(id: string): Promise<Uint8Array | null> {
    const attachment = this.#notes.attachment(id);
    const object = attachment && (await inStore(this.#host.env.FILES.get(attachment.key)));
    return object ? new Uint8Array(await object.arrayBuffer()) : null;
  }
}

const ofWhom = ({ id, user_id, minion_id }: ConversationNotes) => ({ conversation_id: id, user_id, minion_id });

const notFound = (what: string) => new AppError("not_found", `There is no such ${what} of yours.`);

/** The model that is asked first. */
function firstModel({ answering: [first] }: Settings): string | null {
  if (first === undefined) return null;
  return first.provider === null ? first.model : `${first.provider}/${first.model_id}`;
}
