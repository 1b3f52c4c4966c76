import { Server, type ConnectionContext, type WSMessage } from "partyserver";
import { TicketStore, allDevices } from "./ticket-store.ts";
import { Alarm, logAlarm } from "./alarm.ts";
import { closeCodes } from "./close-codes.ts";
import { AppError } from "../errors.ts";
import { Broadcaster, type FlowSettings, type ServerFrame } from "./broadcaster.ts";
import { FrameLog, maxSegmentLength, type TextFrameHeader } from "./frame-log.ts";
import { log } from "../log.ts";
import { errorFrame, malformedFrame, MessageRate, readFrame, unknownFrame } from "./client-frames.ts";
import type { ClientFrame, RateSettings } from "./client-frames.ts";
import { positionAfter, SocketPositions } from "./socket-positions.ts";
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

/** The default settings of a room. */
export const roomSettings: RoomSettings = {
  lifeMs: 15 * 60_000,
  maxSockets: 2_000,
  windowFrames: 256,
  windowBytes: 256 * 1024,
  patienceMs: 30_000,
  rateMessages: 60,
  rateMs: 10_000,
};

/** The code of a client that closes without a code. */
const noStatus = 1005;

/** Milliseconds before failed work of an alarm is retried. */
const retryMs = 5_000;

/**
 * A room of sockets with a log of frames, as a Durable Object. Clients connect with tickets, receive every frame, and see no internal
 * errors. Hibernation loses nothing.
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
    positions: this.#places,
    flow: () => this.settings,
    sockets: () => this.#roster.sockets(),
    snapshot: (holder) => this.snapshot(holder),
    onCaughtUp: (socket) => void this.#logErrors(() => this.onCaughtUp(socket)),
    onPaused: (dueAt) => this.scheduleAlarm(dueAt),
    onSlow: (socket) => this.#roster.closeAndRemove([socket], closeCodes.slow, "Too slow"),
  });
  #isStarted = false;
  /** Admitted requests that pass through partyserver. */
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

  // ── Hooks of a subclass ───────────────────────────────────────────────────

  /** The current state, for a socket whose missed frames are no longer in the log. If it fails, the client gets an error frame. */
  protected abstract snapshot(holder: TicketHolder): Promise<object>;

  protected get settings(): RoomSettings {
    return roomSettings;
  }

  /** Handles a client frame that is not an acknowledgement. The client gets an `AppError`; other errors are logged. */
  protected onFrame(socket: RoomSocket, _frame: ClientFrame): void | Promise<void> {
    this.sendTo(socket, unknownFrame([]));
  }

  /** Called when a socket was sent all frames, at its start or after a lag. It has missed the transient states. */
  protected onCaughtUp(_socket: RoomSocket): void | Promise<void> {}

  /** Called for a client with a valid ticket. @param _requestId the request that opens the socket @throws an `AppError` to refuse it */
  protected onArrival(_holder: TicketHolder, _requestId: string): void | Promise<void> {}

  /** Called when a device connects or disconnects. */
  protected onDevices(): void | Promise<void> {}

  /** When work of the subclass is due, in milliseconds since the epoch. `scheduleAlarm` announces new work. */
  protected nextAlarmAt(): number | undefined {
    return undefined;
  }

  /** Whether the subclass stores nothing except the log. Then a room without frames and sockets deletes its storage. */
  protected get deleteWhenEmpty(): boolean {
    return false;
  }

  /** Does the due work. It can run twice, and runs again after 5 s while work is due. */
  protected onAlarmDue(_now: number): void | Promise<void> {}

  // ── Methods for a subclass, or a Worker ───────────────────────────────────

  /**
   * Writes a frame to the log, then sends it to everyone.
   * @returns its number, or undefined if the log already has a frame with this key
   */
  publish(frame: ServerFrame, key?: string): number | undefined {
    const logged = this.#frames.append(frame, key);
    if (logged !== undefined) this.#fanout.publish([logged]);
    return logged?.seq;
  }

  /**
   * Broadcasts more of a text, each piece as a frame of `head` with `offset`, `text` and `from_seq`. `flush` writes the text to the log.
   * The next `publish` ends the text.
   * @param offset the offset of the first piece in the whole text, in UTF-16 code units. No piece ends inside a surrogate pair
   */
  protected publishText(head: TextFrameHeader, offset: number, pieces: readonly string[]): void {
    this.#fanout.publish(this.#frames.appendText(head, offset, pieces.flatMap(inStretches)));
  }

  /**
   * Waits while the window of a socket that does not lag is almost full, up to a timeout. For a sender of many frames: a socket that
   * lags gets its frames in batches.
   * @returns false after the timeout
   */
  protected waitForReaders(withinMs: number): Promise<boolean> {
    return this.#fanout.waitForReaders(withinMs);
  }

  /** Writes the unwritten text to the log: at most one row. */
  protected flush(): void {
    this.#frames.flush();
  }

  /** The logged frames after a number, for recovery after a crash. Undefined if some are no longer in the log. */
  protected framesAfter(seq: number): ServerFrame[] | undefined {
    const { gap, frames } = this.#frames.after(seq);
    return gap ? undefined : frames.map(({ text }) => JSON.parse(text) as ServerFrame);
  }

  /** The number of the last frame. */
  protected get lastSeq(): number {
    return this.#frames.lastSeq;
  }

  /** Broadcasts a state that is not logged. Sockets that lag do not get it; see `onCaughtUp`. */
  protected broadcastState(frame: ServerFrame): void {
    this.#fanout.broadcastTransient(frame);
  }

  /** Sends a frame that is not logged to one socket. */
  protected sendTo(socket: RoomSocket, frame: ServerFrame): void {
    this.#fanout.sendTransient(socket, frame);
  }

  /** Sets the alarm, unless an earlier one is set. */
  protected scheduleAlarm(at: number): void {
    this.#alarm.scheduleBy(at);
  }

  /** The connected devices. */
  devices(): PresentDevice[] {
    return this.#roster.devices();
  }

  /** Closes the sockets of a device, and rejects its issued tickets. */
  revoke(device: string): void {
    this.scheduleAlarm(this.#admissions.revoke(device, Date.now()));
    this.closeDevice(device, closeCodes.revoked, "Signed out");
  }

  /** Closes all sockets, and rejects all issued tickets. */
  revokeAll(): void {
    this.scheduleAlarm(this.#admissions.revoke(allDevices, Date.now()));
    this.closeAll(closeCodes.revoked, "Signed out");
  }

  closeDevice(device: string, code: number, reason: string): void {
    this.#roster.closeAndRemove(this.#roster.sockets(device), code, reason);
  }

  closeAll(code: number, reason: string): void {
    this.#roster.closeAndRemove(this.#roster.sockets(), code, reason);
  }

  /** Closes all sockets and deletes the storage. Issued tickets are rejected. */
  async erase(): Promise<void> {
    const sockets = [...this.#roster.sockets()];
    this.#roster.close(sockets, closeCodes.erased, "Erased");
    // partyserver, which writes at every start, passes over the goodbye of a socket that carries nothing.
    for (const socket of sockets) WebSocket.prototype.serializeAttachment.call(socket, null);
    this.#admissions.rejectIssuedBefore(Date.now());
    await this.#alarm.clear();
    await this.#deleteStorage();
  }

  // ── Methods that the platform and partyserver call ─────────────────────────────────

  /** Accepts a socket, or refuses the request. */
  override async fetch(request: Request): Promise<Response> {
    try {
      const arrival = readSocketRequest(request);
      // In `super.fetch`, an error of onStart would be sent to the client.
      await this.setName(this.name);
      await this.onArrival(arrival.claims, requestIdOf(request));
      this.#admit(arrival);
      // Passes no part of the client's request on. With this spelling of the header, partyserver returns errors in the reply, not in a socket.
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
    const place = positionAfter(after !== undefined && after <= this.#frames.lastSeq ? after : undefined);
    const state = { user_id, device, label, resource, since, until, place, closed: false };
    const isNew = this.#roster.add(socket, state);
    this.scheduleAlarm(until);
    this.#fanout.start(socket);
    if (isNew) void this.#logErrors(() => this.onDevices());
  }

  override webSocketMessage(socket: WebSocket, message: WSMessage): Promise<void> {
    // partyserver reads the attachment of the socket for every message.
    return this.#isStarted && this.#roster.has(socket)
      ? this.onMessage(socket, message)
      : super.webSocketMessage(socket, message);
  }

  override async onMessage(socket: RoomSocket, message: WSMessage): Promise<void> {
    this.#isStarted = true;
    if (!this.#roster.has(socket)) return;
    const read = readFrame(message);
    // A client can only acknowledge frames that were sent.
    if ("acked" in read && this.#fanout.acknowledge(socket, read.acked)) return;
    if (this.#rate.isExceeded(socket, this.settings))
      return this.#roster.closeAndRemove([socket], closeCodes.flood, "Too many messages");
    if ("acked" in read) return;
    if ("faults" in read) return this.sendTo(socket, malformedFrame(read.faults));
    try {
      await this.onFrame(socket, read.frame);
    } catch (error) {
      if (!(error instanceof AppError)) this.#log("error", "A frame could not be handled.", error);
      this.sendTo(socket, errorFrame(error));
    }
  }

  override onClose(socket: RoomSocket, code: number): void {
    this.#roster.remove(socket);
    // A client that says goodbye without a code waits for an answer too; partyserver takes it for gone.
    if (code === noStatus) socket.close();
  }

  override onError(socket: RoomSocket, error: unknown): void {
    this.#log("warn", "A socket failed.", error);
    this.#roster.remove(socket);
  }

  override async onAlarm(): Promise<void> {
    await logAlarm(this.env, this.constructor.name, () => this.#handleAlarm());
  }

  async #handleAlarm(): Promise<boolean> {
    const now = Date.now();
    this.#alarm.fired();
    const { slow, old } = this.#roster.due(now, this.settings.patienceMs);
    this.#roster.closeAndRemove(slow, closeCodes.slow, "Too slow");
    this.#roster.closeAndRemove(old, closeCodes.reconnect, "Reconnect");
    const isDone = await this.#logErrors(() => this.onAlarmDue(now));
    const next = this.nextAlarmAt() ?? Infinity;
    const workAt = next <= now ? now + retryMs : next;
    const dueAt = Math.min(workAt, this.#roster.due(now, this.settings.patienceMs).nextAt);
    const rememberedUntil = this.#admissions.prune(now);
    if (dueAt < Infinity) this.scheduleAlarm(dueAt);
    else if (rememberedUntil !== undefined) this.scheduleAlarm(rememberedUntil);
    else if (this.deleteWhenEmpty && this.#frames.lastSeq === 0) await this.#deleteStorage();
    return isDone;
  }

  async #logErrors(work: () => void | Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#log("error", "A handler of a room failed.", error);
      return false;
    }
  }

  #log(level: "warn" | "error", message: string, error: unknown): void {
    log(level, message, { class: this.constructor.name, room: this.name, error });
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
