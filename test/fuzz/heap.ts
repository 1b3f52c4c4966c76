import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";

/**
 * The bytes that the JavaScript heap of a Worker uses, through its inspector: the least of some samples, because a sample counts garbage.
 * The memory of the process is no measure: that of workerd grows with each request, even of a Worker that does nothing.
 * @param inspector the URL of the inspector, with the name of the Worker as its path
 */
export async function usedHeapBytes(inspector: URL, samples = 10): Promise<number> {
  const socket = new WebSocket(inspector.href);
  await once(socket, "open");
  try {
    let least = Infinity;
    for (let id = 1; id <= samples; id++) {
      socket.send(JSON.stringify({ id, method: "Runtime.getHeapUsage" }));
      least = Math.min(least, await usedSizeOf(socket, id));
      await sleep(500);
    }
    return least;
  } finally {
    socket.close();
  }
}

async function usedSizeOf(socket: WebSocket, id: number): Promise<number> {
  for (;;) {
    const [data] = (await once(socket, "message")) as [unknown];
    const message = JSON.parse(String(data)) as { id?: number; result?: { usedSize: number }; error?: { message: string } };
    if (message.id !== id) continue;
    if (message.result === undefined) throw new Error(`The inspector has no heap usage: ${message.error?.message}`);
    return message.result.usedSize;
  }
}
