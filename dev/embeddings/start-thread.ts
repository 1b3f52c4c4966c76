import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

/** The embedding server of development, in a thread of this process. */
export async function startEmbeddings(): Promise<{ url: string; close(): Promise<unknown> }> {
  const thread = new Worker(join(import.meta.dirname, "thread.ts"));
  // A failed start rejects here; a later failure of the thread ends the process, which prints it.
  const [host] = (await once(thread, "message")) as [string];
  return { url: `http://${host}`, close: () => thread.terminate() };
}
