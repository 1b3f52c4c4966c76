import { AppError, problemOf } from "../../../../src/kit/errors.ts";
import { FrameLog } from "../../../../src/kit/socket/frame-log.ts";
import type { SocketPosition, SocketState } from "../../../../src/kit/socket/types.ts";
import { connectSocket, requireUpgrade } from "../../../../src/kit/socket/upgrade.ts";
import { roomSettings, SocketRoom, type RoomSettings, type RoomSocket } from "../../../../src/kit/socket/socket-room.ts";
import { readTicket, type TicketHolder } from "../../../../src/kit/socket/tickets.ts";

/** A Worker with rooms that do as their names say: `a;lifeMs=500;snapshotFails=1` is room a, with a short life and no snapshots. */

type Env = Cloudflare.Env & { ROOMS: DurableObjectNamespace<ProbeRoom>; SECRET: string };

let isolate: string | undefined;

export class ProbeRoom extends SocketRoom<Env> {
  /** Names of the hooks that were called, in order. */
  readonly called: string[] = [];
  readonly #options = new Map(this.name.split(";").map((word) => word.split("=") as [string, string | undefined]));

  #number(word: string): number {
    return Number(this.#options.get(word) ?? 0);
  }

  protected override get deleteWhenEmpty(): boolean {
    return !this.#options.has("keeps");
  }

  protected override get settings(): RoomSettings {
    const names = Object.keys(roomSettings).filter((name) => this.#options.has(name));
    return { ...roomSettings, ...Object.fromEntries(names.map((name) => [name, this.#number(name)])) };
  }

  override onStart(): void {
    if (this.#options.has("startFails")) throw new Error("secret of the start");
  }

  protected override async snapshot({ user_id, label }: TicketHolder): Promise<object> {
    await new Promise((resolve) => setTimeout(resolve, this.#number("snapshotTakes")));
    if (this.#options.has("snapshotFails")) throw new Error("secret of the snapshot");
    return { user_id, label };
  }

  protected override onFrame(socket: RoomSocket, frame: { type: string; text?: string }): void | Promise<void> {
    if (frame.type === "post") this.publish({ type: "text", text: frame.text });
    else if (frame.type === "fail") throw new Error("secret of the frame");
    else if (frame.type === "refuse") throw new AppError("forbidden", "Not you.");
    else if (frame.type === "id") this.sendTo(socket, { type: "id", id: socket.id, uri: socket.uri });
    else return super.onFrame(socket, frame);
  }

  protected override onDevices(): void {
    this.called.push("onDevices");
    if (!this.#options.has("discreet"))
      this.broadcastState({ type: "presence", devices: this.devices().map(({ device }) => device) });
    if (this.#options.has("gossips")) this.publish({ type: "text", text: "somebody came or went" });
    if (this.#options.has("devicesFail")) throw new Error("secret of the devices");
  }

  protected override onCaughtUp(): void {
    this.called.push("onCurrent");
  }

  protected override nextAlarmAt(): number | undefined {
    return this.ctx.storage.kv.get<number>("workAt");
  }

  protected override onAlarmDue(now: number): void {
    const at = this.ctx.storage.kv.get<number>("workAt");
    if (at === undefined || at > now) return;
    this.called.push("work");
    if (this.#options.has("workFails")) throw new Error("secret of the work");
    this.ctx.storage.kv.delete("workAt");
  }

  // ── Called by tests ────────────────────────────────────────────────────────

  isolate(): string {
    return (isolate ??= crypto.randomUUID());
  }

  calls(): string[] {
    return this.called;
  }

  /** Publishes frames that are numbered by `n`. @returns how many devices are left */
  publishFrames(count: number, bytes = 0): number {
    for (let n = 1; n <= count; n += 1) this.publish({ type: "text", n, text: "x".repeat(bytes) });
    return this.devices().length;
  }

  broadcastTestState(): void {
    this.broadcastState({ type: "state" });
  }

  /** As if its sockets moved, and it were put out of memory now: the platform waits for timers, where it can. */
  losePositions(): void {
    for (const socket of this.getConnections<SocketState>()) socket.setState({ ...socket.state!, place: null });
  }

  workAt(at: number): void {
    this.ctx.storage.kv.put("workAt", at);
    this.scheduleAlarm(at);
  }

  alarmAt(): Promise<number | null> {
    return this.ctx.storage.getAlarm();
  }

  /** As if all tickets that were used had expired. */
  forgetTickets(): void {
    this.ctx.storage.sql.exec("update burned_tickets set expires_at = 1");
  }

  /** The keys of the key-value storage. */
  keys(): string[] {
    return Array.from(this.ctx.storage.kv.list(), ([key]) => key);
  }

  async runAlarmTwice(): Promise<void> {
    await this.onAlarm();
    await this.onAlarm();
  }

  /** What the attachments say of where sockets are: nothing, while they move. */
  places(): (SocketPosition | null)[] {
    return Array.from(this.getConnections<SocketState>(), ({ state }) => state!.place as SocketPosition | null);
  }

  /** A log of this storage, and how many rows each piece of work on it writes. */
  #metered(capacity?: number) {
    let cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
    const exec = (query: string, ...bindings: unknown[]) => {
      const cursor = this.ctx.storage.sql.exec(query, ...bindings);
      cursors.push(cursor);
      return cursor;
    };
    const frames = new FrameLog({ exec } as unknown as SqlStorage, capacity);
    const rowsOf = (work: () => unknown): number => {
      cursors = [];
      work();
      return cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
    };
    return { frames, rowsOf };
  }

  /** How many rows it costs to append frames, one by one, with a key or without. */
  rowsOfAppends(count: number, capacity: number, key?: string): { rows: number[]; first: number; last: number } {
    const { frames, rowsOf } = this.#metered(capacity);
    frames.append({ type: "makes the table" });
    const rows = Array.from({ length: count }, (_, n) =>
      rowsOf(() => frames.append({ type: "text", n }, key === undefined ? undefined : `${key}${n}`)),
    );
    const first = this.ctx.storage.sql.exec<{ first: number }>("select min(seq) as first from frame_log").one().first;
    return { rows, first, last: frames.lastSeq };
  }

  /** How many rows it costs to tell a text, and what the log has of it then. */
  rowsOfText(): { rows: Record<string, number>; frames: unknown[] } {
    const { frames, rowsOf } = this.#metered();
    frames.append({ type: "makes the table" });
    this.ctx.storage.sql.exec("delete from frame_log");
    frames.forget();
    const head = { type: "delta", message_id: 1 };
    const begin = rowsOf(() => frames.appendText(head, 0, ["Hel"]));
    const grow = rowsOf(() =>
      ["lo", ", ", "wor"].reduce((at, piece) => (frames.appendText(head, at, [piece]), at + piece.length), 3),
    );
    const flush = rowsOf(() => frames.flush());
    const idle = rowsOf(() => frames.flush());
    frames.appendText(head, 10, ["ld"]);
    const end = rowsOf(() => frames.close());
    frames.append({ type: "text" });
    return {
      rows: { begin, grow, flush, idle, end },
      frames: frames.after(0).frames.map(({ text }) => JSON.parse(text) as unknown),
    };
  }

  /** Tells pieces of a text that came together. */
  publishDeltas(pieces: string[]): void {
    this.publishText({ type: "delta", message_id: 1 }, 0, pieces);
  }

  /** Publishes a text in pieces. */
  publishTextPieces(count: number, piece: string): void {
    for (let n = 0; n < count; n += 1) this.publishText({ type: "delta", message_id: 1 }, n * piece.length, [piece]);
  }

  /** The same, but waits for slow sockets. @returns how many waits ended by their timeout */
  async publishTextSlowly(count: number, piece: string, withinMs: number): Promise<number> {
    let timeouts = 0;
    for (let n = 0; n < count; n += 1) {
      this.publishText({ type: "delta", message_id: 1 }, n * piece.length, [piece]);
      if (n % 4 === 0 && !(await this.waitForReaders(withinMs))) timeouts += 1;
    }
    return timeouts;
  }

  append(body: object, key?: string): number | undefined {
    return new FrameLog(this.ctx.storage.sql).append(body, key)?.seq;
  }

  after(seq: number, maxBytes?: number): { gap: boolean; seqs: number[] } {
    const { gap, frames } = new FrameLog(this.ctx.storage.sql).after(seq, maxBytes);
    return { gap, seqs: frames.map((frame) => frame.seq) };
  }
}

/** Calls a method of a room. A stub that a test held would keep the room in memory. */
async function call(room: DurableObjectStub<ProbeRoom>, method: string, args: unknown[]): Promise<Response> {
  const methods = room as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
  try {
    return Response.json({ result: await methods[method]!(...args) });
  } catch (error) {
    return Response.json({ error: String(error) });
  }
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const [, room = "", method] = url.pathname.split("/").map(decodeURIComponent);
    try {
      if (method !== undefined) return await call(env.ROOMS.getByName(room), method, await request.json());
      const claims = await readTicket(env.SECRET, url.searchParams.get("ticket") ?? "", room.split(";", 1)[0]!);
      requireUpgrade(request);
      const after = url.searchParams.get("after");
      const arrival = { claims, after: after === null ? undefined : Number(after) };
      const reply = await connectSocket(env.ROOMS, room, arrival, "request-of-a-test");
      reply.headers.set("x-added", "by the edge");
      return reply;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const headers = { ...error.headers, "content-type": "application/problem+json" };
      return new Response(JSON.stringify(problemOf(error, "request-of-a-test")), { status: error.status, headers });
    }
  },
} satisfies ExportedHandler<Env>;
