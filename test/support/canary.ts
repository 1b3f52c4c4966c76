import { format } from "node:util";

/** In every provider's key that a test uses. No key is ever written in the clear, so what holds this has leaked one. */
const canary = "sk-canary-5c1e97d3";

/** Whether this file's tests have a key that can leak: where they have none, nothing is searched. */
let hasKeys = false;

/** Whether there is something to search for. */
export const canLeak = (): boolean => hasKeys;

/** A provider's key for a test. */
export function providerKey(name: string): string {
  if (!hasKeys) overhearConsole();
  hasKeys = true;
  return `${canary}-${name}`;
}

/** The canary as a text or a column of bytes may show it: base64 has one form for each place that it may begin at. */
export const forms = [canary, Buffer.from(canary).toString("hex"), ...[0, 1, 2].map(base64At)];

/** What base64 shows of the canary alone, behind so many other bytes. */
function base64At(before: number): string {
  const encoded = Buffer.from("x".repeat(before) + canary).toString("base64url");
  return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + canary.length) * 8) / 6));
}

export const leaksIn = (texts: readonly string[]): string[] =>
  texts.filter((text) => forms.some((form) => text.includes(form)));

/** Where the canary was seen in passing, each place once: what passes is not there to be searched at the end. */
const seen = new Set<string>();
const listening = new Set<Promise<void>>();

/** Looks for the canary in what passes: a reply, a frame, a message, a line of a log, what a store is given. */
export function watchAll(where: string, text: string): void {
  if (hasKeys && leaksIn([text]).length > 0) seen.add(where);
}

/** Where the canary was seen in passing since this was last asked, once all replies have been read. */
export async function observedLeaks(): Promise<string[]> {
  await Promise.all(listening);
  const places = [...seen];
  seen.clear();
  return places;
}

/** The same reply, searched: at once, or, where it is a stream of events, as it is read, so that it ends when its reader goes. */
export function watchResponse(where: string, reply: Response): Response {
  if (!hasKeys) return reply;
  watchAll(where, JSON.stringify([...reply.headers]));
  if (reply.body === null) return reply;
  if (reply.headers.get("content-type")?.startsWith("text/event-stream")) return hearStream(where, reply, reply.body);
  const listened = reply
    .clone()
    .text()
    .then((text) => watchAll(where, text))
    .catch(() => undefined) // A body that breaks is the test's matter.
    .finally(() => listening.delete(listened));
  listening.add(listened);
  return reply;
}

function hearStream(where: string, reply: Response, body: ReadableStream<Uint8Array>): Response {
  const decoder = new TextDecoder();
  let last = "";
  const listener = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const text = last + decoder.decode(chunk, { stream: true });
      watchAll(where, text);
      // What is cut in two is found with the next chunk.
      last = text.slice(-canary.length * 2);
      controller.enqueue(chunk);
    },
  });
  const watchedReply = new Response(body.pipeThrough(listener), reply);
  Object.defineProperty(watchedReply, "url", { value: reply.url });
  return watchedReply;
}

const levels = new Set<string | symbol>(["debug", "info", "log", "warn", "error"]);

/** Searches what services in this process log, whether or not a test mocks the console: the mock is called, and looks, as it would. */
function overhearConsole(): void {
  globalThis.console = new Proxy(console, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function" || !levels.has(name)) return method;
      return new Proxy(method, {
        apply(called, self, given: unknown[]) {
          watchAll("the console", format(...given));
          return Reflect.apply(called, self, given) as unknown;
        },
      });
    },
  });
}

/** @throws where a key was found somewhere; says where, never what */
export function assertNoLeaks(places: readonly string[]): void {
  if (places.length > 0) throw new Error(`A provider's key has leaked: it is in ${places.join(", ")}.`);
}
