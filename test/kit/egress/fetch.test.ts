import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EgressError, createGuardedFetch, type EgressSettings } from "../../../src/kit/egress/fetch.ts";
import { isPublicAddress } from "../../../src/kit/egress/addresses.ts";
import { addresses, faultsOfText, fine, hostileUrls, settings as ours } from "./support/hostile-urls.ts";
import { call, type Outcome } from "../support/worker.ts";
import { startProbe, type Probe } from "../support/start-worker.ts";

const canary = "canary-of-the-upstream-body";

/** A server that behaves in every way that a host can. */
function startHost(): Server {
  return createServer((request, response) => {
    const path = request.url ?? "";
    if (path === "/fine") response.setHeader("x-request-id", "7").end('{"fine":true}');
    if (path === "/gzip") response.setHeader("content-encoding", "gzip").end(gzipSync("fine"));
    if (path === "/bomb") response.setHeader("content-encoding", "gzip").end(gzipSync(Buffer.alloc(5_000_000)));
    if (path === "/empty") response.writeHead(204).end();
    if (path === "/hang-up") request.socket.destroy();
    if (path === "/cut") response.write(canary, () => request.socket.destroy());
    if (path === "/stall") response.write(canary);
    if (path === "/endless") {
      const timer = setInterval(() => response.write(Buffer.alloc(30_000)), 5);
      response.on("close", () => clearInterval(timer));
    }
    const status = Number(/^\/(\d{3})$/.exec(path)?.[1]);
    if (status > 0) {
      const headers = {
        location: `http://${request.headers.host}/fine?${canary}`,
        "retry-after": "7",
        "content-type": "text/plain",
      };
      response.writeHead(status, canary, headers).end(canary);
    }
  }).listen(0, "127.0.0.1");
}

let host: Server;
let origin: string;
/** Settings that allow the host, and such that wait for it only a moment. */
let allowed: EgressSettings;
let hasty: EgressSettings;
let probe: Probe;

beforeAll(async () => {
  host = startHost();
  await new Promise((resolve) => host.once("listening", resolve));
  const name = `127.0.0.1:${(host.address() as AddressInfo).port}`;
  origin = `http://${name}`;
  allowed = { maxResponseBytes: 100_000, firstByteTimeoutMs: 10_000, timeoutMs: 15_000, allowedHosts: [name] };
  hasty = { ...allowed, firstByteTimeoutMs: 700, timeoutMs: 1_000 };
  probe = await startProbe();
});
afterAll(async () => {
  host.closeAllConnections();
  host.close();
  await probe.close();
});

const runtimes: Record<string, (url: string, settings: EgressSettings) => Promise<Outcome>> = {
  Node: call,
  workerd: (url, settings) => probe.run({ kind: "call", url, settings }),
};

describe.each(Object.entries(runtimes))("guarded fetch in %s", (_, send) => {
  const get = (path: string) => send(`${origin}${path}`, allowed);

  test("a reply of an allowed host is returned with its headers", async () => {
    const reply = { status: 200, text: '{"fine":true}', headers: { "x-request-id": "7" } };
    expect(await get("/fine")).toMatchObject(reply);
    const port = new URL(origin).port;
    expect(await send(`http://0x7f.1:${port}/fine`, { ...allowed, allowedHosts: ["127.0.0.1"] })).toMatchObject(reply);
    expect(await get("/gzip")).toMatchObject({ status: 200, text: "fine" });
    expect(await get("/empty")).toMatchObject({ status: 204, text: "" });
  });

  test("a host that is not allowed, or is our own, is not called", async () => {
    const refused = { name: "EgressError", reason: "refused" };
    expect(await send(`${origin}/fine`, { ...allowed, allowedHosts: [] })).toMatchObject(refused);
    expect(await send(`${origin}/fine`, { ...allowed, allowedHosts: ["127.0.0.1:1", "localhost"] })).toMatchObject(refused);
    expect(await send(`${origin}/fine`, { ...allowed, ownHosts: [new URL(origin).host] })).toMatchObject(refused);
    expect(await send(`${origin.replace("//", "//user:secret@")}/fine`, allowed)).toMatchObject(refused);
  });

  test.each([301, 302, 303, 307, 308])("a redirect (%i) to loopback is not followed", async (status) => {
    const message = `The host returned a redirect (${status}). Redirects are not followed: use the final URL.`;
    expect(await get(`/${status}`)).toEqual({ name: "EgressError", reason: "redirected", message, status });
  });

  test.each([400, 401, 404, 429, 500, 503, 529])(
    "an error reply (%i) has its status, its Retry-After and our own text",
    async (status) => {
      const error = await get(`/${status}`);
      expect(error).toMatchObject({ status, statusText: `The host returned ${status}.`, text: "" });
      expect(error).toMatchObject({ headers: { "retry-after": "7" } });
      expect(JSON.stringify(error)).not.toContain(canary);
    },
  );

  test("the start of an error body is kept for a caller that asks for it", async () => {
    const kept = await send(`${origin}/400`, { ...allowed, maxErrorBytes: 10 });
    expect(kept).toMatchObject({ status: 400, statusText: "The host returned 400.", headers: { "retry-after": "7" } });
    expect("text" in kept && kept.text).toHaveLength(10);
    expect(await send(`${origin}/307`, { ...allowed, maxErrorBytes: 10 })).toMatchObject({ reason: "redirected" });
  });

  test.each(["/endless", "/bomb"])("a body above the size limit ends: %s", async (path) => {
    const message = "The response of the host is larger than 100000 bytes.";
    expect(await get(path)).toEqual({ name: "EgressError", reason: "too_large", message });
  });

  test.each([
    ["/silent", "timed_out", "The host did not answer within 700 ms."],
    ["/stall", "timed_out", "The host did not finish within 1000 ms."],
    ["/hang-up", "unreachable", "The connection to the host failed."],
    ["/cut", "unreachable", "The connection to the host failed."],
  ])("a broken connection is reported in our own words: %s", async (path, reason, message) => {
    expect(await send(origin + path, hasty)).toEqual({ name: "EgressError", reason, message });
  });

  test("a host without a server is unreachable", async () => {
    const gone = { ...allowed, allowedHosts: ["127.0.0.1:1"] };
    expect(await send("http://127.0.0.1:1/", gone)).toMatchObject({ name: "EgressError", reason: "unreachable" });
  });
});

test("workerd finds the same URL errors and calls none of those URLs", async () => {
  const urls = [...hostileUrls.map(({ url }) => url), ...fine];
  const judged = await probe.run<[string | null, Outcome][]>({
    kind: "judge",
    urls,
    settings: { ...allowed, ...ours },
  });
  expect(judged.map(([fault]) => fault)).toEqual([...hostileUrls.map(({ fault }) => fault), ...fine.map(() => null)]);
  const called = hostileUrls.flatMap(({ fault }, index) => (faultsOfText.test(fault) ? [] : [judged[index]![1]]));
  for (const outcome of called) expect(outcome).toMatchObject({ name: "EgressError", reason: "refused" });
});

test("workerd classifies IP addresses like Node.js", async () => {
  const all = [...addresses.special, ...addresses.global];
  expect(await probe.run<boolean[]>({ kind: "classify", addresses: all })).toEqual(all.map(isPublicAddress));
});

describe("an abort by the caller", () => {
  test("an abort before the reply throws the caller's reason", async () => {
    const reason = new Error("enough");
    const calling = createGuardedFetch(allowed)(`${origin}/silent`, { signal: AbortSignal.abort(reason) });
    await expect(calling).rejects.toBe(reason);
    const late = createGuardedFetch(allowed)(`${origin}/silent`, { signal: AbortSignal.timeout(50) });
    await expect(late).rejects.toMatchObject({ name: "TimeoutError" });
  });

  test("an abort during the body throws and closes the connection", async () => {
    const controller = new AbortController();
    const response = await createGuardedFetch(allowed)(`${origin}/stall`, { signal: controller.signal });
    const reader = response.body!.getReader();
    await reader.read();
    controller.abort(new Error("enough"));
    await expect(reader.read()).rejects.toThrow("enough");
  });

  test("a body that is no longer read closes the connection", async () => {
    const closed = new Promise<void>((resolve) => {
      host.once("request", (request) => request.socket.once("close", () => resolve()));
    });
    const response = await createGuardedFetch({ ...allowed, timeoutMs: 60_000 })(`${origin}/endless`);
    await response.body!.cancel();
    await expect(closed).resolves.toBeUndefined();
  });
});

test("an error never contains the reply, the address or the request", async () => {
  const paths = ["/302", "/401", "/500", "/cut", "/stall", "/silent", "/hang-up", "/endless"];
  const outcomes = await Promise.all(paths.map((path) => call(origin + path, hasty)));
  const header = await call(`${origin}/fine`, allowed, { headers: { authorization: "Bearer canary-key\nof a user" } });
  expect(header).toMatchObject({ name: "EgressError" });
  expect(JSON.stringify([outcomes, header])).not.toMatch(/canary|127\.0\.0\.1/);
  const error: unknown = await createGuardedFetch(allowed)(`${origin}/hang-up`).catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(EgressError);
  expect(String((error as EgressError).cause)).toBe("Error: TypeError");
});
