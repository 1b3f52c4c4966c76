import { ChatClient, seqIn } from "./client.ts";
import { workerdCpuMs } from "../support/cpu.ts";

/**
 * How many messages are on their way at once: to one, enough to keep workerd busy; to many, one. While there is always something to be
 * read from one socket, workerd does not look at what others send.
 */
const inFlight = { toOne: 32, toMany: 1 };

const listeners = 100;

/** What a message says: about as much as a question does. */
const text = "How many countries does the Danube flow through, and where does it end?".repeat(2);

/** Where a room is, and whether what it says has a `seq`, which is acknowledged. */
export type Room = { url: URL; isOurs: boolean };

/** How many messages a second were said and heard by all, and CPU time of workerd for each; NaN where the system does not tell. */
export type Said = { perSecond: number; cpuMs: number };

/** Says messages for `seconds` to a room that says them back. */
export async function echoes(room: Room, seconds: number): Promise<Said> {
  const [client] = await joined(room, 1);
  try {
    return await rate(room, client!, [client!], seconds);
  } finally {
    client!.close();
  }
}

/** Says messages for `seconds` in a room of 100 sockets. */
export async function broadcasts(room: Room, seconds: number): Promise<Said> {
  const clients = await joined(room, listeners);
  try {
    return await rate(room, clients[0]!, clients, seconds);
  } finally {
    for (const client of clients) client.close();
  }
}

/** Opens sockets; each of ours is told how things stand first. */
async function joined({ url, isOurs }: Room, count: number): Promise<ChatClient[]> {
  const clients: ChatClient[] = [];
  for (let n = 0; n < count; n += 1) {
    const client = await ChatClient.open(url);
    clients.push(client);
    if (isOurs) {
      await new Promise<void>((resolve, reject) => {
        client.onText = () => resolve();
        client.onEnd = reject;
      });
    }
  }
  return clients;
}

/** Says messages, one more whenever all have heard one: each as one frame, in order. */
function rate({ isOurs }: Room, speaker: ChatClient, clients: ChatClient[], seconds: number): Promise<Said> {
  return new Promise((resolve, reject) => {
    const say = () => speaker.send({ type: "said", text });
    /** How many have heard the first message, the second, … */
    const heard: number[] = [];
    const began = performance.now();
    const cpuBefore = workerdCpuMs();
    for (const client of clients) {
      let count = 0;
      let last = NaN;
      client.onEnd = reject;
      client.onText = (frame) => {
        if (isOurs) {
          const seq = seqIn(frame);
          if (seq !== (Number.isNaN(last) ? seq : last + 1)) reject(new Error(`After ${last} came ${frame.slice(0, 200)}`));
          last = seq;
          client.hasRead(seq);
        }
        if (!frame.includes(text)) return reject(new Error(`This came back: ${frame.slice(0, 200)}`));
        heard[count] = (heard[count] ?? 0) + 1;
        count += 1;
        if (heard[count - 1] !== clients.length) return;
        const elapsedMs = performance.now() - began;
        if (elapsedMs < seconds * 1000) return say();
        resolve({ perSecond: (count / elapsedMs) * 1000, cpuMs: (workerdCpuMs() - cpuBefore) / count });
      };
    }
    const ahead = clients.length === 1 ? inFlight.toOne : inFlight.toMany;
    for (let n = 0; n < ahead; n += 1) say();
  });
}
