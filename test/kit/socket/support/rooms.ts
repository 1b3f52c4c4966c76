import { createTestHarness, type WorkerHandle } from "wrangler";
import type { SocketPosition } from "../../../../src/kit/socket/types.ts";
import { issueTicket, type TicketHolder } from "../../../../src/kit/socket/tickets.ts";
import { productionConfig } from "../../../../dev/wrangler/config.ts";
import { connect, refusal, type Frame, type TestSocket } from "../../../support/sockets.ts";
import type { ProbeRoom } from "./worker.ts";

type ProbeEnv = { ROOMS: DurableObjectNamespace<ProbeRoom> };

export const secret = "test-signing-secret-of-enough-length-0001";

/** Who comes with a ticket, and when it was issued. */
export type Visitor = Partial<TicketHolder> & { after?: number | undefined; issuedAt?: number };

type Method = Extract<keyof ProbeRoom, string>;
type Arguments<M extends Method> = ProbeRoom[M] extends (...args: infer A) => unknown ? A : never;
type Result<M extends Method> = ProbeRoom[M] extends (...args: never[]) => infer R ? Awaited<R> : never;

export type Rooms = Awaited<ReturnType<typeof startRooms>>;

/** The probe's rooms in workerd. A room's name says how it behaves, see worker.ts. */
export async function startRooms() {
  const { compatibility_date, compatibility_flags } = productionConfig();
  const harness = createTestHarness({
    workers: [
      {
        config: {
          name: "socket-probe",
          main: "test/kit/socket/support/worker.ts",
          compatibility_date,
          compatibility_flags,
          vars: { SECRET: secret },
          durable_objects: { bindings: [{ name: "ROOMS", class_name: "ProbeRoom" }] },
          migrations: [{ tag: "v1", new_sqlite_classes: ["ProbeRoom"] }],
        },
      },
    ],
  });
  const { url } = await harness.listen();
  const worker: WorkerHandle<ProbeEnv> = harness.getWorker<ProbeEnv>();

  /** The address of a room, with a ticket for it. */
  const urlOf = async (room: string, { after, issuedAt, ...who }: Visitor = {}): Promise<URL> => {
    const holder = { user_id: 7, device: "session:1", label: "Zürich 🏔", resource: room.split(";", 1)[0]!, ...who };
    const { ticket } = await issueTicket(secret, holder, issuedAt);
    const address = new URL(`/${encodeURIComponent(room)}`, url);
    address.searchParams.set("ticket", ticket);
    if (after !== undefined) address.searchParams.set("after", String(after));
    return address;
  };

  async function call<M extends Method>(room: string, method: M, ...args: Arguments<M>): Promise<Result<M>> {
    const reply = await fetch(new URL(`/${encodeURIComponent(room)}/${method}`, url), {
      method: "POST",
      body: JSON.stringify(args),
    });
    const { result, error } = (await reply.json()) as { result: Result<M>; error?: string };
    if (error !== undefined) throw new Error(error);
    return result;
  }

  /** Where a room's sockets are, once they no longer move. */
  async function idlePositions(room: string): Promise<SocketPosition[]> {
    for (;;) {
      const places = await call(room, "places");
      if (places.every((place) => place !== null)) return places;
      await pause(20);
    }
  }

  /** Puts a room out of memory, whatever it is at; its sockets stay. */
  const evictNow = (name: string) => worker.evictDurableObject("ROOMS", { name, webSockets: "hibernate" });

  return {
    url,
    worker,
    urlOf,
    call,
    join: async (room: string, visitor?: Visitor): Promise<TestSocket> => connect(await urlOf(room, visitor)),
    visit: (address: URL) => connect(address),
    refused: async (room: string, visitor?: Visitor) => refusal(await urlOf(room, visitor)),
    idlePositions,
    /** Lets a room hibernate: no room does before its sockets are at rest. */
    async evict(name: string): Promise<void> {
      await idlePositions(name);
      await evictNow(name);
    },
    evictNow,
    /** Ends workerd and starts it anew on the same storage. */
    restart: () => harness.update((options) => options),
    logs: () => harness.getLogs().map(({ message }) => message),
    close: () => harness.close(),
  };
}

/** The numbers of the frames that came, in order, whether alone or in a replay. */
export function seqsOf(received: readonly Frame[]): number[] {
  return received.flatMap((frame) => {
    if (frame.type === "frames") return (frame["frames"] as Frame[]).map(({ seq }) => seq);
    return frame.type === "text" ? [frame.seq] : [];
  });
}

/** from, from + 1, … to */
export const run = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** Waits until a room has heard what a socket said before, and the socket has what came before the answer. */
export async function flush(socket: TestSocket): Promise<void> {
  socket.send({ type: "flush" });
  await socket.until(({ type }) => type === "error");
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
