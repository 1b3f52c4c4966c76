import * as fc from "fast-check";
import * as z from "zod";
import { reasonOf } from "../../dev/user-error.ts";
import { ClientFrame as RoomFrame } from "../../src/chat/protocol.ts";
import { ClientFrame as HubFrame } from "../../src/notifications/protocol.ts";
import { bodyOf } from "../support/api.ts";
import { authHeader } from "../support/users.ts";
import { connect, type TestSocket } from "../support/sockets.ts";
import { leakFaults, type Fault } from "./checks.ts";
import { hostileText, hostileValue, spoiled } from "./hostile-values.ts";
import { valuesOf, type JsonSchema, type SchemaContext } from "./json-schema.ts";
import { isSignedIn, type Sender, type World } from "./world.ts";

/** Frames on the sockets of conversations and on the hubs of users. */

/** A frame is a failure if the socket does not answer a ping for this time, in milliseconds. */
const timeLimitMs = 30_000;

/** WebSocket close code of an unexpected condition (RFC 6455). */
const internalError = 1011;

const schemaOf = (frames: z.ZodType) => z.toJSONSchema(frames, { io: "input" }) as JsonSchema;

export type FrameResult = { target: string; frame: string; faults: Fault[] };

/** Opens sockets when they are needed, and sends frames on them. */
export class FuzzSockets {
  readonly #world: World;
  readonly #open = new Map<string, { socket: TestSocket; isClosed: boolean; read: number }>();
  readonly #frames: { room: fc.Arbitrary<string | Uint8Array>; hub: fc.Arbitrary<string | Uint8Array> };

  constructor(world: World) {
    this.#world = world;
    const context: SchemaContext = { rarity: 6, resolve: () => ({}), candidates: () => [] };
    this.#frames = { room: messages(schemaOf(RoomFrame), context), hub: messages(schemaOf(HubFrame), context) };
  }

  /** Sends a frame. A socket that its owner cannot open is a fault, too. */
  async send(seed: number): Promise<FrameResult> {
    const draw = <T>(arbitrary: fc.Arbitrary<T>): T => fc.sample(arbitrary, { seed, numRuns: 1 })[0]!;
    const sender = draw(fc.constantFrom(...this.#world.senders));
    const conversations = sender.ids.get("conversations") ?? [];
    const resource = draw(fc.constantFrom("me", ...conversations.map((id) => `conversation:${id}`)));
    const message = draw(resource === "me" ? this.#frames.hub : this.#frames.room);
    const frame = typeof message === "string" ? message : `bytes ${Buffer.from(message).toString("hex")}`;
    const target = `${sender.name}, ${resource}`;
    let opened;
    try {
      opened = await this.#socketOf(sender, resource);
    } catch (error) {
      const faults = (await isSignedIn(this.#world, sender)) ? [{ kind: "refused socket", detail: reasonOf(error) }] : [];
      return { target, frame, faults };
    }
    // A conversation that was deleted has no socket.
    if (opened === undefined) return { target, frame, faults: [] };
    opened.socket.send(message);
    const outcome = await answerOf(opened.socket);
    const faults: Fault[] = [];
    if (outcome === "none") faults.push({ kind: "no reply", detail: `no pong after ${timeLimitMs / 1_000} seconds` });
    if (outcome === internalError) faults.push({ kind: "server error", detail: "the socket was closed with 1011" });
    if (outcome !== "pong") {
      opened.isClosed = true;
      opened.socket.raw.terminate();
    }
    const received = opened.socket.received.slice(opened.read).map((each) => JSON.stringify(each));
    opened.read = opened.socket.received.length;
    faults.push(...leakFaults(received.join("\n"), this.#world, false));
    return { target, frame, faults };
  }

  /** Closes all sockets. */
  close(): void {
    for (const { socket } of this.#open.values()) socket.raw.terminate();
    this.#open.clear();
  }

  async #socketOf({ person }: Sender, resource: string) {
    const key = `${person.id} ${resource}`;
    const known = this.#open.get(key);
    if (known !== undefined && !known.isClosed) return known;
    const { api } = this.#world;
    const reply = await api.get("/api/v2/socket-tickets", {
      method: "POST",
      headers: { ...authHeader(person.token), "content-type": "application/json" },
      body: JSON.stringify({ resource }),
    });
    const { ticket } = await bodyOf(reply);
    if (!reply.ok) return undefined;
    const path = resource === "me" ? "/api/v2/me/socket" : `/api/v2/conversations/${resource.split(":")[1]}/socket`;
    const socket = await connect(new URL(`${path}?ticket=${ticket}`, api.url));
    const opened = { socket, isClosed: false, read: 0 };
    this.#open.set(key, opened);
    return opened;
  }
}

/** Frames that a schema accepts, hostile ones, and messages that are no frames. */
function messages(schema: JsonSchema, context: SchemaContext): fc.Arbitrary<string | Uint8Array> {
  const frames = valuesOf(schema, context).map((frame) => JSON.stringify(frame) ?? "null");
  const unknown = fc.record({ type: hostileText, text: hostileValue }).map((frame) => JSON.stringify(frame));
  return fc.oneof<fc.MaybeWeightedArbitrary<string | Uint8Array>[]>(
    { weight: 6, arbitrary: frames },
    { weight: 1, arbitrary: unknown },
    { weight: 1, arbitrary: hostileText },
    { weight: 1, arbitrary: frames.chain(spoiled).map((bytes) => Buffer.from(bytes).toString()) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }) },
    { weight: 1, arbitrary: fc.constant(JSON.stringify({ type: "typing", text: "x".repeat(70_000) })) },
  );
}

/** Waits for the answer to a ping: that the socket lives, its close code, or nothing. */
function answerOf({ raw }: TestSocket): Promise<"pong" | "none" | number> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish("none"), timeLimitMs);
    const onMessage = (data: Buffer) => data.toString() === "pong" && finish("pong");
    const onClose = (code: number) => finish(code);
    const finish = (outcome: "pong" | "none" | number) => {
      clearTimeout(timer);
      raw.off("message", onMessage).off("close", onClose);
      resolve(outcome);
    };
    raw.on("message", onMessage).on("close", onClose);
    if (raw.readyState === raw.OPEN) raw.send("ping");
    else finish(1_000);
  });
}
