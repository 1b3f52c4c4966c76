import { Server, type ConnectionContext, type WSMessage } from "partyserver";
import { TicketStore, everyone } from "./ticket-store.ts";
import { Alarm } from "./alarm.ts";
import { closeCodes } from "./close-codes.ts";
import { AppError } from "../errors.ts";
import { Broadcaster, type FlowSettings, type ServerFrame } from "./broadcaster.ts";
import { FrameLog, maxSegmentLength, type TextFrameHeader } from "./frame-log.ts";
import { log } from "../log.ts";
import { ackedBy, MessageRate, readFrame, type RateSettings } from "./client-frames.ts";
import { placeAfter, SocketPositions } from "./socket-positions.ts";
import { Connections } from "./connections.ts";
import type { TicketHolder } from "./tickets.ts";
import type { PresentDevice, RoomSocket, SocketState } from "./types.ts";
import { readSocketRequest, refuse, requestIdOf, type SocketRequest } from "./upgrade.ts";
export type { ServerFrame } from "./broadcaster.ts";
export type { PresentDevice, RoomSocket } from "./types.ts";

export type RoomSettings = FlowSettings &
  RateSettings & {
    /** How long a socket lives, in milliseconds. */
    lifeMs: number;
    maxSockets: number;
  };

/** The settings of a room that says nothing else. */
export const roomSettings: RoomSettings = {
  lifeMs: 15 * 60_000,
  maxSockets: 2_000,
  windowFrames: 256,
  windowBytes: 256 * 1024,
  patienceMs: 30_000,
  rateMessages: 60,
  rateMs: 10_000,
};

/** What stands for the code of a client that closes without one. */
const noStatus = 1005;

/** Milliseconds before work of an alarm that failed is tried again. */
const retryMs = 5_000;

/**
 * A room of sockets with a log of what was said in it: a Durable Object whose clients come with tickets, miss nothing, and are
 * told nothing of what goes wrong inside. Hibernation loses nothing.
 */
export abstract class SocketRoom<Env extends Cloudflare.Env = Cloudflare.Env> extends Server<Env> {
  static override options = { hibernate: true };

  readonly #frames = new FrameLog(this.ctx.storage.sql);
  readonly #admissions = new TicketStore(this.ctx.storage.sql);
  readonly #alarm = new Alarm(this.ctx.storage);
  readonly #rate = new MessageRate();
  readonly #places = new SocketPositions();
  readonly #roster = new Connections(
    this.getConnections<SocketState>(),
    this.#places,
    () => void this.#logErrors(() => this.onDevices()),
  );
  readonly #fanout = new Broadcaster({
    frames: this.#frames,
    places: this.#places,
    flow: () => this.settings,
    sockets: () => this.#roster.sockets(),
    snapshot: (holder) => this.snapshot(holder),
    onCaughtUp: (socket) => void this.#logErrors(() => this.onCaughtUp(socket)),
    onPaused: (dueAt) => this.scheduleAlarm(dueAt),
    onSlow: (socket) => this.#roster.closeAndRemove([socket], closeCodes.slow, "Too slow"),
  });
  #isStarted = false;
  /** Requests that were admitted, on their way through partyserver. */
  readonly #arrivals = new WeakMap<Request, SocketRequest>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    const lost = Array.from(this.#roster.sockets()).filter((socket) => this.#places.isUnknown(socket));
    const left = this.#roster.close(lost, closeCodes.reconnect, "Reconnect");
    void ctx.blockConcurrencyWhile(async () => {
      await this.#alarm.load();
      if (left.some((device) => !this.#roster.isConnected(device))) await this.#logErrors(() => this.onDevices());
    });
  }

  // ── What a subclass says ───────────────────────────────────────────────────

  /** How things stand, for a socket that cannot be told what it missed. It may fail: then the client is told that it did. */
  protected abstract snapshot(holder: TicketHolder): Promise<object>;

  protected get settings(): RoomSettings {
    return roomSettings;
  }

  /** A client said something that is no acknowledgement. An `AppError` is told to it; anything else that is thrown is logged. */
  protected onFrame(socket: RoomSocket, _frame: unknown): void | Promise<void> {
    this.sendTo(socket, { type: "error", code: "unknown_frame" });
  }

  /** A socket was sent all there is, at its start or after a lag: what was announced meanwhile, it does not know. */
  protected onCaughtUp(_socket: RoomSocket): void | Promise<void> {}

  /** Somebody comes with a ticket of ours. @throws an `AppError` for whom it is not to let in */
  protected onArrival(_holder: TicketHolder): void | Promise<void> {}

  /** A device came or went. */
  protected onDevices(): void | Promise<void> {}

  /** When work of the subclass is due, in milliseconds since the epoch. `ringBy` tells of work that comes up. */
  protected nextAlarmAt(): number | undefined {
    return undefined;
  }

  /** Whether it keeps nothing of its own beside its log: where nothing was said and nobody is, it leaves nothing, not even its name. */
  protected get deleteWhenEmpty(): boolean {
    return false;
  }

  /** Does what is due. It may run twice, and runs again after 5 s if it is due still. */
  protected onAlarmDue(_now: number): void | Promise<void> {}

  // ── What a subclass, or a Worker, can do ───────────────────────────────────

  /**
   * Writes a frame to the log, then sends it to everyone.
   * @returns its number, or undefined where a frame with this key is in the log already: what is retried is told once
   */
  publish(frame: ServerFrame, key?: string): number | undefined {
    const logged = this.#frames.append(frame, key);
    if (logged !== undefined) this.#fanout.publish([logged]);
    return logged?.seq;
  }

  /**
   * Tells everyone more of a text, of which the log keeps what `flush` writes down: at once in its place, each piece as a frame of
   * `head` with `offset`, `text` and `from_seq`. What is published next ends it.
   * @param offset where the first piece begins in the whole text, in UTF-16 code units; none ends with half of a pair
   */
  protected publishText(head: TextFrameHeader, offset: number, pieces: readonly string[]): void {
    this.#fanout.publish(this.#frames.appendText(head, offset, pieces.flatMap(inStretches)));
  }

  /**
   * Waits where a socket that has kept up so far has most of its window to read, no longer than that: what a socket is sent that lags
   * is told together. For who tells much at once.
   */
  protected keepUp(withinMs: number): Promise<void> {
    return this.#fanout.waitForReaders(withinMs);
  }

  /** Writes down what was told of a text: one row at most. */
  protected flush(): void {
    this.#frames.flush();
  }

  /** What was told after a number, as far as it was written down: what a room that went down did since. Undefined where it is no longer kept. */
  protected toldAfter(seq: number): ServerFrame[] | undefined {
    const { gap, frames } = this.#frames.after(seq);
    return gap ? undefined : frames.map(({ text }) => JSON.parse(text) as ServerFrame);
  }

  /** The number of what was told last. */
  protected get lastSeq(): number {
    return this.#frames.lastSeq;
  }

  /** Tells everyone a state, which is not kept. Sockets that lag are not told; see `onCurrent`. */
  protected broadcastState(frame: ServerFrame): void {
    this.#fanout.broadcastTransient(frame);
  }

  /** Tells one socket something, which is not kept. */
  protected sendTo(socket: RoomSocket, frame: ServerFrame): void {
    this.#fanout.sendTransient(socket, frame);
  }

  /** Sets the alarm, unless it rings by then. */
  protected scheduleAlarm(at: number): void {
    this.#alarm.scheduleBy(at);
  }

  /** Who is connected, by device. */
  devices(): PresentDevice[] {
    return this.#roster.devices();
  }

  /** Closes a device's sockets, and admits no ticket that it still has. */
  revoke(device: string): void {
    this.scheduleAlarm(this.#admissions.revoke(device, Date.now()));
    this.closeDevice(device, closeCodes.revoked, "Signed out");
  }

  /** Closes all sockets, and admits no ticket that anybody still has. */
  revokeAll(): void {
    this.scheduleAlarm(this.#admissions.revoke(everyone, Date.now()));
    this.closeAll(closeCodes.revoked, "Signed out");
  }

  closeDevice(device: string, code: number, reason: string): void {
    this.#roster.closeAndRemove(this.#roster.sockets(device), code, reason);
  }

  closeAll(code: number, reason: string): void {
    this.#roster.closeAndRemove(this.#roster.sockets(), code, reason);
  }

  /** Closes all sockets and deletes everything. Tickets that were issued before open nothing. */
  async erase(): Promise<void> {
    const sockets = [...this.#roster.sockets()];
    this.#roster.close(sockets, closeCodes.erased, "Erased");
    // partyserver, which writes at every start, passes over the goodbye of a socket that carries nothing.
    for (const socket of sockets) WebSocket.prototype.serializeAttachment.call(socket, null);
    this.#admissions.rejectIssuedBefore(Date.now());
    await this.#alarm.clear();
    await this.#deleteStorage();
  }

  // ── What the platform and partyserver call ─────────────────────────────────

  /** Admits a socket, or refuses it before there is one. */
  override async fetch(request: Request): Promise<Response> {
    try {
      const arrival = readSocketRequest(request);
      // In `super.fetch`, what onStart throws would be told to the client.
      await this.setName(this.name);
      await this.onArrival(arrival.claims);
      this.#admit(arrival);
      // Nothing of the client's goes on. Spelt so, partyserver tells an error in a reply, which stays here, and not through a socket.
      const upgrade = new Request("https://room/", { headers: { upgrade: "WebSocket" } });
      this.#arrivals.set(upgrade, arrival);
      const reply = await super.fetch(upgrade);
      if (reply.status !== 101) throw new Error("The socket could not be accepted.");
      return reply;
    } catch (error) {
      return refuse(error, requestIdOf(request));
    }
  }

  #admit({ claims }: SocketRequest): void {
    const open = this.ctx.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN).length;
    if (open >= this.settings.maxSockets)
      throw new AppError(
        "rate_limited",
        `Too many sockets are open. The maximum is ${this.settings.maxSockets}. Close one first.`,
      );
    this.#admissions.redeem(claims, Date.now());
  }

  override onConnect(socket: RoomSocket, { request }: ConnectionContext): void {
    this.#isStarted = true;
    const { claims, after } = this.#arrivals.get(request)!;
    const { user_id, device, label, resource } = claims;
    const since = Date.now();
    const until = since + this.settings.lifeMs;
    const place = placeAfter(after !== undefined && after <= this.#frames.lastSeq ? after : undefined);
    const state = { user_id, device, label, resource, since, until, place, closed: false };
    const isNew = this.#roster.add(socket, state);
    this.scheduleAlarm(until);
    this.#fanout.start(socket);
    if (isNew) void this.#logErrors(() => this.onDevices());
  }

  override webSocketMessage(socket: WebSocket, message: WSMessage): Promise<void> {
    // partyserver reads the attachment for every message, to know whose socket it is.
    return this.#isStarted && this.#roster.has(socket)
      ? this.onMessage(socket, message)
      : super.webSocketMessage(socket, message);
  }

  override async onMessage(socket: RoomSocket, message: WSMessage): Promise<void> {
    this.#isStarted = true;
    if (!this.#roster.has(socket)) return;
    const frame = readFrame(message);
    const acked = ackedBy(frame);
    // What is acknowledged was sent: there is no more of it than of that.
    if (acked !== undefined && this.#fanout.acknowledge(socket, acked)) return;
    if (this.#rate.isExceeded(socket, this.settings))
      return this.#roster.closeAndRemove([socket], closeCodes.flood, "Too many messages");
    if (acked !== undefined) return;
    if (frame === undefined || frame.type === "ack") return this.sendTo(socket, { type: "error", code: "malformed_frame" });
    try {
      await this.onFrame(socket, frame);
    } catch (error) {
      if (error instanceof AppError) return this.sendTo(socket, { type: "error", code: error.code, detail: error.message });
      log("error", "A frame could not be handled.", { room: this.name, error });
      this.sendTo(socket, { type: "error", code: "internal" });
    }
  }

  override onClose(socket: RoomSocket, code: number): void {
    this.#roster.remove(socket);
    // A client that says goodbye without a code waits for an answer too; partyserver takes it for gone.
    if (code === noStatus) socket.close();
  }

  override onError(socket: RoomSocket, error: unknown): void {
    log("warn", "A socket failed.", { room: this.name, error });
    this.#roster.remove(socket);
  }

  override async onAlarm(): Promise<void> {
    const now = Date.now();
    this.#alarm.fired();
    const { slow, old } = this.#roster.due(now, this.settings.patienceMs);
    this.#roster.closeAndRemove(slow, closeCodes.slow, "Too slow");
    this.#roster.closeAndRemove(old, closeCodes.reconnect, "Reconnect");
    await this.#logErrors(() => this.onAlarmDue(now));
    const next = this.nextAlarmAt() ?? Infinity;
    const workAt = next <= now ? now + retryMs : next;
    const dueAt = Math.min(workAt, this.#roster.due(now, this.settings.patienceMs).nextAt);
    const rememberedUntil = this.#admissions.prune(now);
    if (dueAt < Infinity) this.scheduleAlarm(dueAt);
    else if (rememberedUntil !== undefined) this.scheduleAlarm(rememberedUntil);
    else if (this.deleteWhenEmpty && this.#frames.lastSeq === 0) await this.#deleteStorage();
  }

  async #logErrors(work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      log("error", "A handler of a room failed.", { room: this.name, error });
    }
  }

  async #deleteStorage(): Promise<void> {
    this.#frames.forget();
    await this.ctx.storage.deleteAll();
  }
}

/** A text as stretches take it; no pair is split. */
function inStretches(text: string): string | string[] {
  if (text.length <= maxSegmentLength) return text;
  const pieces: string[] = [];
  for (let start = 0; start < text.length; start += pieces.at(-1)!.length) {
    const piece = text.slice(start, start + maxSegmentLength);
    const isSplit = start + maxSegmentLength < text.length && /[\uD800-\uDBFF]$/.test(piece);
    pieces.push(isSplit ? piece.slice(0, -1) : piece);
  }
  return pieces;
}
