import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import { log } from "../../src/kit/log.ts";
import { watchResponse, observedLeaks, overheardLines, providerKey } from "./canary.ts";
import { testBindings } from "./in-process-context.ts";
import { leaksInStores } from "./leaks.ts";
import { faultsInLog, rememberFrame, rememberRequest } from "./log-lines.ts";
import { MemoryBucket } from "./memory-bucket.ts";
import { connect } from "./sockets.ts";
import { VirtualQueue } from "./virtual-queue.ts";

/** The search for leaked keys sees what passes: each of these plants one. */

const key = providerKey("planted-wxyz");

/** Sends a text in two pieces, cut in the middle of the key. */
function cutInTwo(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const middle = text.indexOf(key) + 8;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.slice(0, middle));
      controller.enqueue(bytes.slice(middle));
    },
  });
}

afterEach(() => {
  vi.restoreAllMocks();
  overheardLines();
});

describe("a line of the log is found", () => {
  const line = (fields: object) => JSON.stringify({ level: "info", event: "request", ...fields });

  test("a line that repeats a text, a query or a token of a request, or a text of a frame is found", () => {
    const authorization = "Bearer an-unlikely-secret-0001";
    rememberRequest("/search?q=lost%20umbrella", { headers: { authorization } });
    rememberRequest("/messages", { body: JSON.stringify({ text: 'Where is my "red" hat?', tags: [{ name: "hats & more" }] }) });
    rememberFrame(JSON.stringify({ type: "message.send", text: "It rains in Spain." }));
    for (const text of [
      "lost umbrella",
      "an-unlikely-secret-0001",
      'Where is my "red" hat?',
      "hats & more",
      "It rains in Spain.",
    ]) {
      expect(faultsInLog([line({ name: text })])).toEqual([`repeats a text of a request: ${text}`]);
    }
    expect(faultsInLog([line({ outcome: "ok" })])).toEqual([]);
  });

  test.each([
    ["shows a secret", line({ name: "person1x2@example.com" })],
    ["shows a secret", line({ name: "sf_0123456789abcdef" })],
    ["shows a secret", line({ name: "eyJhbGciOiJIUzI1NiJ9.e30.x" })],
    ["shows a secret", "Uncaught Error: postgres://user:pass@host/db"],
    ["has an unknown field", line({ text: "hello" })],
    ["is too long", line({ name: "too-long-for-a-line.".repeat(50) })],
    ["is neither an event nor a message", JSON.stringify({ level: "info", text: "hello" })],
  ])("a line that %s is found", (fault, text) => {
    expect(faultsInLog([text])).toEqual([`${fault}: ${text}`]);
  });
});

describe("detection of a leaked key", () => {
  test("a key is found in a reply, read or not, and in its headers", async () => {
    const reply = watchResponse("a reply", Response.json({ deep: [key] }, { status: 201 }));
    expect(await observedLeaks()).toEqual(["a reply"]);
    expect([reply.status, await reply.json()]).toEqual([201, { deep: [key] }]);
    watchResponse("a header", new Response(null, { headers: { location: `/${key}` } }));
    expect(await observedLeaks()).toEqual(["a header"]);
    watchResponse("another reply", Response.json({ deep: ["harmless"] }));
    expect(await observedLeaks()).toEqual([]);
  });

  test("a key is found in an event stream up to where it is read, and the reader can still cancel it", async () => {
    const cancelled = vi.fn<() => void>();
    const body = cutInTwo(`data: ${key}\n\n`);
    const ending = new TransformStream<Uint8Array, Uint8Array>();
    void body.pipeTo(ending.writable).catch(cancelled);
    const stream = watchResponse(
      "a stream",
      new Response(ending.readable, { headers: { "content-type": "text/event-stream" } }),
    );
    const reader = stream.body!.getReader();
    await reader.read();
    await reader.read();
    expect(await observedLeaks()).toEqual(["a stream"]);
    await reader.cancel();
    await expect.poll(() => cancelled.mock.calls.length).toBe(1);
  });

  test("a key is found in a socket frame", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    server.on("connection", (socket) => socket.send(JSON.stringify({ type: "said", seq: 1, text: key })));
    await once(server, "listening");
    const socket = await connect(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await socket.next();
    await socket.close();
    server.close();
    expect(await observedLeaks()).toEqual(["a frame of a socket"]);
  });

  test("a key is found in a queue message", async () => {
    await new VirtualQueue("jobs").send({ name: "job", payload: { key: Buffer.from(`a${key}`).toString("base64") } });
    expect(await observedLeaks()).toEqual(["a queued message"]);
  });

  test("a key is found in KV and in files that a service of this process stores", async () => {
    await testBindings("").CACHE.put("planted", JSON.stringify({ key }));
    const bucket = new MemoryBucket();
    await bucket.put("text", `of ${key}`);
    await bucket.put("bytes", Uint8Array.from([0xff, ...Buffer.from(key)]));
    await bucket.delete(["text", "bytes"]);
    expect(await observedLeaks()).toEqual(["KV planted", "file text", "file bytes"]);
  });

  test("a key is found in the logs of a service of this process, even if the console is mocked", async () => {
    const mocked = vi.spyOn(console, "warn").mockReturnValue();
    console.warn(`It failed with ${key}`);
    expect(mocked).toHaveBeenCalledOnce();
    expect(await observedLeaks()).toEqual(["the console"]);
    log("warn", "Something failed.", { error: new Error("It failed.", { cause: new Error(`with ${key}`) }) });
    expect(await observedLeaks()).toEqual([]);
    mocked.mockRestore();
    vi.spyOn(console, "error").mockReturnValue();
    log("error", "Something else failed.");
    expect(console.error).toHaveBeenCalledOnce();
    expect(await observedLeaks()).toEqual([]);
  });

  test("a key is found on every page of KV and R2, in names and in metadata", async () => {
    const pages = <T>(first: T, second: T) => ({
      list: async ({ cursor }: { cursor?: string | null }) =>
        cursor === "next"
          ? { ...second, list_complete: true, truncated: false }
          : { ...first, list_complete: false, truncated: true, cursor: "next" },
    });
    const CACHE = {
      ...pages(
        { keys: [{ name: "first" }, { name: "beside", metadata: { key } }] },
        { keys: [{ name: "last" }, { name: key }] },
      ),
      get: async (name: string) => (name === "last" ? key : "harmless"),
    };
    const FILES = {
      ...pages(
        { objects: [{ key: "first" }, { key: "beside", customMetadata: { key } }] },
        { objects: [{ key: "last" }, { key: "harmless" }] },
      ),
      get: async (name: string) => new Response(name === "last" ? key : "harmless"),
    };
    const stores = { CACHE, FILES } as unknown as Cloudflare.Env;
    expect(await leaksInStores(async () => stores)).toEqual(["KV beside", "KV last", `KV ${key}`, "file beside", "file last"]);
  });
});
