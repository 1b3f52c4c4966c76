import { array, assert, asyncProperty, boolean, constant, constantFrom, nat, oneof, record, type Arbitrary } from "fast-check";
import { expect, test } from "vitest";
import { Broadcaster, type ServerFrame } from "../../../src/kit/socket/broadcaster.ts";
import { FrameLog } from "../../../src/kit/socket/frame-log.ts";
import { positionAfter, SocketPositions } from "../../../src/kit/socket/socket-positions.ts";
import type { RoomSocket, SocketState } from "../../../src/kit/socket/types.ts";
import { memorySql } from "./support/memory-sql.ts";

/** What a conversation's room does with its log, without a runtime: it can be cut short anywhere, thousands of times a second. */
class TestRoom {
  readonly #sql = memorySql();
  readonly #capacity: number;
  readonly sockets: TestClient[] = [];
  /** The texts as the room has them: what clients are to end with. */
  readonly texts = new Map([
    ["a", ""],
    ["b", ""],
  ]);
  /** What was written of the texts, and the last number that this knows of. */
  #written = { texts: new Map(this.texts), seq: 0 };
  #log!: FrameLog;
  #places!: SocketPositions;
  #fanout!: Broadcaster;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#start();
  }

  #start(): void {
    this.#log = new FrameLog(this.#sql, this.#capacity);
    this.#places = new SocketPositions();
    this.#fanout = new Broadcaster({
      frames: this.#log,
      positions: this.#places,
      flow: () => ({ windowFrames: 6, windowBytes: 600, patienceMs: 60_000 }),
      sockets: () => this.sockets.map((client) => client.socket),
      snapshot: async () => ({ texts: Object.fromEntries(this.texts) }),
      onCaughtUp: () => {},
      onPaused: () => {},
      onSlow: () => {},
    });
  }

  publishText(name: string, ...pieces: string[]): void {
    const text = this.texts.get(name)!;
    this.texts.set(name, text + pieces.join(""));
    this.#fanout.publish(this.#log.appendText({ type: "delta", name }, text.length, pieces));
  }

  publish(frame: ServerFrame): void {
    this.#fanout.publish([this.#log.append(frame)!]);
  }

  flush(): void {
    this.#log.flush();
  }

  /** Writes the texts down: what is in the log from here on is read after a crash. */
  save(): void {
    this.#log.flush();
    this.#written = { texts: new Map(this.texts), seq: this.#log.lastSeq };
  }

  /** As if nothing had moved for a while. */
  rest(): void {
    this.#places.persistIdle(true);
  }

  /** Puts the room out of memory, and brings it back on its storage. @param hibernates whether sockets stay that were at rest */
  crash(hibernates: boolean): void {
    this.#start();
    for (const client of this.sockets.splice(0)) {
      client.isGone = !hibernates || this.#places.isUnknown(client.socket);
      if (!client.isGone) this.sockets.push(client);
    }
    const { texts, seq } = this.#written;
    for (const [name, text] of texts) this.texts.set(name, text);
    for (const { text } of this.#log.after(seq).frames) {
      const { type, name = "", offset, text: piece = "" } = JSON.parse(text) as ReceivedFrame;
      if (type === "delta") this.texts.set(name, this.texts.get(name)!.slice(0, offset) + piece);
    }
    for (const name of ["a", "b"]) this.publish({ type: "reset", name, length: this.texts.get(name)!.length });
    this.save();
  }

  enter(client: TestClient): void {
    this.sockets.push(client);
    const { lastSeq } = this.#log;
    const place = client.seq !== undefined && client.seq <= lastSeq ? client.seq : undefined;
    client.arrive(place);
    this.#fanout.start(client.socket);
  }

  acknowledge(client: TestClient): void {
    if (client.seq !== undefined) this.#fanout.acknowledge(client.socket, client.seq);
  }

  get lastSeq(): number {
    return this.#log.lastSeq;
  }
}

type ReceivedFrame = {
  type: string;
  seq: number;
  from_seq?: number;
  frames?: ReceivedFrame[];
  name?: string;
  offset?: number;
  text?: string;
  length?: number;
  texts?: Record<string, string>;
};

/** A client that follows the rules: it remembers the last number, and does what frames say. What breaks them, it throws. */
class TestClient {
  seq: number | undefined;
  isGone = true;
  texts = new Map([
    ["a", ""],
    ["b", ""],
  ]);
  socket!: RoomSocket;
  readonly #inbox: string[] = [];

  arrive(place: number | undefined): void {
    this.isGone = false;
    this.#inbox.length = 0;
    let state = { place: positionAfter(place), closed: false } as SocketState;
    this.socket = {
      get state() {
        return state;
      },
      setState: (next: SocketState) => (state = structuredClone(next)),
      send: (text: string) => void this.#inbox.push(text),
    } as unknown as RoomSocket;
  }

  /** Reads some of what has come. The rest is lost if the line is cut now. */
  read(count = Infinity): void {
    for (const text of this.#inbox.splice(0, count)) this.#receive(JSON.parse(text) as ReceivedFrame);
  }

  #receive(received: ReceivedFrame): void {
    if (received.type === "snapshot") {
      this.texts = new Map(Object.entries(received.texts!));
      this.seq = received.seq;
      return;
    }
    if ((received.from_seq ?? received.seq) !== this.seq! + 1)
      throw new Error(`after ${this.seq}: ${JSON.stringify(received)}`);
    for (const frame of received.frames ?? [received]) this.#apply(frame);
    this.seq = received.seq;
  }

  #apply({ type, name = "", offset, text = "", length }: ReceivedFrame): void {
    const known = this.texts.get(name)!;
    if (type === "reset") this.texts.set(name, known.slice(0, length));
    if (type !== "delta") return;
    if (offset !== known.length) throw new Error(`${name} has ${known.length}, and is told what follows ${offset}`);
    this.texts.set(name, known + text);
  }
}

const step = oneof(
  {
    weight: 8,
    arbitrary: record({
      do: constant("say"),
      name: constantFrom("a", "b"),
      pieces: array(constantFrom("x", "yé", "🏔z", "w".repeat(40)), { minLength: 1, maxLength: 9 }),
    }),
  },
  { weight: 2, arbitrary: record({ do: constant("publish") }) },
  { weight: 2, arbitrary: record({ do: constant("flush") }) },
  { weight: 1, arbitrary: record({ do: constant("save") }) },
  { weight: 2, arbitrary: record({ do: constant("rest") }) },
  { weight: 2, arbitrary: record({ do: constant("crash"), hibernates: boolean() }) },
  { weight: 3, arbitrary: record({ do: constant("enter"), client: nat(2) }) },
  { weight: 2, arbitrary: record({ do: constant("leave"), client: nat(2), unread: nat(3) }) },
  { weight: 4, arbitrary: record({ do: constant("read"), client: nat(2), acks: boolean() }) },
) as Arbitrary<{
  do: string;
  name: string;
  pieces: string[];
  hibernates: boolean;
  client: number;
  unread: number;
  acks: boolean;
}>;

test.each([
  ["that keeps all frames", 10_000],
  ["that keeps four frames", 4],
])(
  "at any cut of the connection or the room, a client of a log %s receives every frame once and the whole text",
  async (_, capacity) => {
    await assert(
      asyncProperty(array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const room = new TestRoom(capacity);
        const clients = Array.from({ length: 3 }, () => new TestClient());
        const settle = () => new Promise((resolve) => setImmediate(resolve));
        for (const { do: what, name, pieces, hibernates, client: index, unread, acks } of steps) {
          const client = clients[index]!;
          if (what === "say") room.publishText(name, ...pieces);
          else if (what === "publish") room.publish({ type: "other" });
          else if (what === "flush") room.flush();
          else if (what === "rest") room.rest();
          else if (what === "crash") room.crash(hibernates);
          else if (what === "enter" && client.isGone) {
            room.enter(client);
            await settle();
          } else if (what === "leave" && !client.isGone) {
            client.read(unread);
            client.isGone = true;
            room.sockets.splice(room.sockets.indexOf(client), 1);
          } else if (what === "read" && !client.isGone) {
            client.read();
            if (acks) room.acknowledge(client);
            await settle();
          }
        }
        for (const client of clients) {
          if (client.isGone) room.enter(client);
          do {
            await settle();
            client.read();
            room.acknowledge(client);
            await settle();
            client.read();
          } while (client.seq !== room.lastSeq);
          expect(client.texts).toEqual(room.texts);
        }
      }),
      { numRuns: 400 },
    );
  },
);
