import { workerdCpuMs } from "../support/cpu.ts";
import { ChatClient, seqOf } from "./client.ts";

/**
 * Messages in flight at once. 32 keep workerd busy in an echo. In a fan-out it is one, since workerd reads no other socket while
 * one socket has data.
 */
const inFlight = { echo: 32, fanout: 1 };

const fanoutSockets = 100;

/** The text of each message, about as long as a usual question. */
const text = "How many countries does the Danube flow through, and where does it end?".repeat(2);

/** The address of a room. The frames of a sequenced room have a `seq`, and it sends a snapshot first. */
export type Room = { url: URL; isSequenced: boolean };

/** Messages per second that every socket received, and CPU time of workerd per message. The latter is NaN without `/proc`. */
export type Throughput = { perSecond: number; cpuMs: number };

/** Sends messages for `seconds` to a room that echoes them. */
export async function benchEcho(room: Room, seconds: number): Promise<Throughput> {
  const client = await join(room);
  try {
    return await measure(room, [client], inFlight.echo, seconds);
  } finally {
    client.close();
  }
}

/** Sends messages for `seconds` in a room that broadcasts them to 100 sockets. */
export async function benchFanout(room: Room, seconds: number): Promise<Throughput> {
  const clients: ChatClient[] = [];
  try {
    while (clients.length < fanoutSockets) clients.push(await join(room));
    return await measure(room, clients, inFlight.fanout, seconds);
  } finally {
    for (const client of clients) client.close();
  }
}

/** Opens a socket, and waits for the snapshot of a sequenced room. */
async function join({ url, isSequenced }: Room): Promise<ChatClient> {
  const client = await ChatClient.open(url);
  if (isSequenced) {
    await new Promise<void>((resolve, reject) => {
      client.onText = () => resolve();
      client.onEnd = reject;
    });
  }
  return client;
}

/**
 * Sends messages from the first client: a new one whenever every client has received one.
 *
 * @throws Error unless each client receives each message as one frame, in order
 */
function measure({ isSequenced }: Room, clients: ChatClient[], ahead: number, seconds: number): Promise<Throughput> {
  return new Promise((resolve, reject) => {
    const send = () => clients[0]!.send({ type: "echo", text });
    /** By message: the number of clients that received it. */
    const receivers: number[] = [];
    const startedAt = performance.now();
    const cpuBefore = workerdCpuMs();
    for (const client of clients) {
      let count = 0;
      let lastSeq = NaN;
      client.onEnd = reject;
      client.onText = (frame) => {
        if (isSequenced) {
          const seq = seqOf(frame);
          if (seq !== (Number.isNaN(lastSeq) ? seq : lastSeq + 1)) {
            reject(new Error(`Frame ${lastSeq} was followed by ${frame.slice(0, 200)}`));
          }
          lastSeq = seq;
          client.acknowledge(seq);
        }
        if (!frame.includes(text)) return reject(new Error(`Expected the sent text, received ${frame.slice(0, 200)}`));
        receivers[count] = (receivers[count] ?? 0) + 1;
        count += 1;
        if (receivers[count - 1] !== clients.length) return;
        const elapsedMs = performance.now() - startedAt;
        if (elapsedMs < seconds * 1000) return send();
        resolve({ perSecond: (count / elapsedMs) * 1000, cpuMs: (workerdCpuMs() - cpuBefore) / count });
      };
    }
    for (let sent = 0; sent < ahead; sent += 1) send();
  });
}
