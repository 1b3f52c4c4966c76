import { afterEach, describe, expect, test, vi } from "vitest";
import { createGuardedFetch, faultOfUrl } from "../../../src/kit/egress/fetch.ts";
import { resolveHost, type Resolution } from "../../../src/kit/egress/resolver.ts";

const resolverUrl = "https://resolver.example.com/dns-query";

type FakeRecord = { type: "A" | "AAAA" | "CNAME"; data: string; TTL?: number };

const types = { A: 1, CNAME: 5, AAAA: 28 } as const;

/** Addresses as records. Names, which end with a dot, become aliases. */
const recordsOf = (data: readonly string[], TTL?: number): FakeRecord[] =>
  data.map((text) => ({
    type: text.endsWith(".") ? "CNAME" : text.includes(":") ? "AAAA" : "A",
    data: text,
    ...(TTL === undefined ? {} : { TTL }),
  }));

/** A DNS-over-HTTPS resolver that knows the records of some hosts, and what it was asked. Every other host answers "reached". */
function fakeResolver(hosts: Record<string, FakeRecord[]>, status: (type: string) => number = () => 0) {
  const asked: string[] = [];
  const send: typeof fetch = (input) => {
    const { searchParams, host } = new URL(input as string);
    if (host !== "resolver.example.com") return Promise.resolve(new Response("reached"));
    const [name, type] = [searchParams.get("name")!, searchParams.get("type")!];
    asked.push(`${name} ${type}`);
    const found = (hosts[name] ?? []).filter((record) => record.type === type || record.type === "CNAME");
    const Answer = found.map((record) => ({ ...record, name, type: types[record.type] }));
    return Promise.resolve(Response.json({ Status: status(type), ...(Answer.length > 0 ? { Answer } : {}) }));
  };
  return { asked, resolver: { resolverUrl, fetch: send } };
}

let count = 0;
/** A host that no other test asked for, as answers are cached. */
const newHost = () => `host-${(count += 1)}.example.com`;

const bounds = { maxResponseBytes: 1_000, firstByteTimeoutMs: 5_000, timeoutMs: 5_000 };

afterEach(() => vi.useRealTimers());

describe("a host", () => {
  test.each<[string, string[], Resolution]>([
    ["that has public addresses alone", ["1.1.1.1", "2606:4700::1111"], "public"],
    ["that has a public IPv4 address alone", ["1.1.1.1"], "public"],
    ["that has a public IPv6 address alone", ["2606:4700::1111"], "public"],
    ["behind a chain of aliases", ["a.example.net.", "b.example.net.", "1.1.1.1"], "public"],
    ["that has a private address among public ones", ["1.1.1.1", "8.8.8.8", "10.0.0.1"], "private"],
    ["that has a private IPv6 address beside a public IPv4 one", ["1.1.1.1", "fd00::1"], "private"],
    ["that has a private IPv4 address beside a public IPv6 one", ["127.0.0.1", "2606:4700::1111"], "private"],
    ["behind an alias with a private address", ["a.example.net.", "127.0.0.1"], "private"],
    ["that is an alias of localhost", ["localhost."], "private"],
    ["that is an alias of a private name with a public address", ["db.internal.", "1.1.1.1"], "private"],
    ["that is an alias of a metadata service", ["METADATA.google.internal."], "private"],
    ["whose address is none", ["not an address"], "private"],
    ["that has no address", [], "none"],
    ["that is an alias without an address", ["a.example.net."], "none"],
  ])("%s", async (_, data, resolution) => {
    const host = newHost();
    const { asked, resolver } = fakeResolver({ [host]: recordsOf(data) });
    expect(await resolveHost(host, resolver)).toBe(resolution);
    expect(asked).toEqual([`${host} A`, `${host} AAAA`]);
  });

  test.each([
    ["loopback", "127.0.0.1"],
    ["loopback of IPv6", "::1"],
    ["unspecified", "0.0.0.0"],
    ["unspecified of IPv6", "::"],
    ["private", "192.168.0.1"],
    ["unique local", "fd12:3456::1"],
    ["link-local and metadata", "169.254.169.254"],
    ["link-local of IPv6", "fe80::1"],
    ["metadata of AWS over IPv6", "fd00:ec2::254"],
    ["CGNAT", "100.64.0.1"],
    ["multicast", "224.0.0.1"],
    ["multicast of IPv6", "ff02::1"],
    ["reserved", "240.0.0.1"],
    ["broadcast", "255.255.255.255"],
    ["benchmarks", "198.18.0.1"],
    ["IPv4-mapped", "::ffff:127.0.0.1"],
    ["IPv4-mapped, in hexadecimal", "::ffff:7f00:1"],
    ["NAT64", "64:ff9b::7f00:1"],
    ["local NAT64", "64:ff9b:1::7f00:1"],
    ["6to4", "2002:7f00:1::"],
    ["Teredo", "2001:0:7f00:1::"],
    ["documentation", "2001:db8::1"],
  ])("a host that resolves to an address of the kind %s is refused: %s", async (_, address) => {
    const host = newHost();
    const { resolver } = fakeResolver({ [host]: recordsOf(["1.1.1.1", address]) });
    await expect(createGuardedFetch({ ...bounds, ...resolver })(`https://${host}/v1`)).rejects.toMatchObject({
      reason: "refused",
      message: "The URL must name a host on the public internet.",
    });
    expect(await faultOfUrl(`https://${host}/v1`, resolver)).toBe("must name a host on the public internet");
  });

  test("a host is looked up again after a minute, or after the shortest TTL of its records", async () => {
    vi.useFakeTimers();
    const asksAfter = async (seconds: number, ...ttls: (number | undefined)[]) => {
      const host = newHost();
      const records = ttls.flatMap((TTL) => recordsOf(["1.1.1.1"], TTL));
      const { asked, resolver } = fakeResolver({ [host]: records });
      await resolveHost(host, resolver);
      vi.advanceTimersByTime(seconds * 1_000 - 1);
      await resolveHost(host, resolver);
      const before = asked.length;
      vi.advanceTimersByTime(1);
      await resolveHost(host, resolver);
      return [before / 2, asked.length / 2];
    };
    expect(await asksAfter(60, undefined)).toEqual([1, 2]);
    expect(await asksAfter(60, 86_400)).toEqual([1, 2]);
    expect(await asksAfter(5, 300, 5)).toEqual([1, 2]);
    expect(await asksAfter(1, 0)).toEqual([2, 3]);
  });

  test("a host that moves to a private address is refused at the next call", async () => {
    const host = newHost();
    const hosts = { [host]: recordsOf(["1.1.1.1"], 0) };
    const { resolver } = fakeResolver(hosts);
    const guarded = createGuardedFetch({ ...bounds, ...resolver });
    expect(await (await guarded(`https://${host}/v1`)).text()).toBe("reached");
    hosts[host] = recordsOf(["127.0.0.1"], 0);
    await expect(guarded(`https://${host}/v1`)).rejects.toMatchObject({ reason: "refused" });
  });

  test("an allowed host is not looked up, and without a resolver no host is", async () => {
    const host = newHost();
    const { asked, resolver } = fakeResolver({ [host]: recordsOf(["127.0.0.1"]) });
    for (const settings of [{ allowedHosts: [host] }, { resolverUrl: "" }]) {
      const guarded = createGuardedFetch({ ...bounds, ...resolver, ...settings });
      expect(await (await guarded(`https://${host}/v1`)).text()).toBe("reached");
      expect(await faultOfUrl(`https://${host}/v1`, { ...resolver, ...settings })).toBeUndefined();
    }
    expect(asked).toEqual([]);
  });

  test("a host without an address is not called, and its URL has no fault", async () => {
    const { resolver } = fakeResolver({}, () => 3);
    const url = `https://${newHost()}/v1`;
    await expect(createGuardedFetch({ ...bounds, ...resolver })(url)).rejects.toMatchObject({
      reason: "unresolved",
      message: "The host has no IP address. Check its name.",
    });
    expect(await faultOfUrl(url, resolver)).toBeUndefined();
  });
});

describe("without an answer of the resolver", () => {
  const bytes = new TextEncoder().encode(" ".repeat(65_536));
  const silent: typeof fetch = (_, init) =>
    new Promise((_resolve, reject) => {
      init!.signal!.addEventListener("abort", () => reject(new Error("late")));
    });

  test.each<[string, typeof fetch]>([
    ["is gone", () => Promise.reject(new TypeError("fetch failed"))],
    ["fails", () => Promise.resolve(new Response("no", { status: 500 }))],
    ["redirects", () => Promise.resolve(new Response(null, { status: 302, headers: { location: "https://example.com" } }))],
    [
      "answers without an end",
      () => Promise.resolve(new Response(new ReadableStream({ pull: (stream) => stream.enqueue(bytes) }))),
    ],
    ["answers something else", () => Promise.resolve(Response.json({ Status: 0, Answer: "10.0.0.1" }))],
    ["answers without a status", () => Promise.resolve(Response.json({}))],
    ["cannot reach the name's servers", () => Promise.resolve(Response.json({ Status: 2 }))],
    ["refuses", () => Promise.resolve(Response.json({ Status: 5 }))],
    ["does not answer in time", silent],
  ])("if the resolver %s, nothing is called, and the next call asks again", async (_, send) => {
    const host = newHost();
    const resolver = { resolverUrl, fetch: send };
    expect(await resolveHost(host, { ...resolver, timeoutMs: 10 })).toBe("unanswered");
    const { resolver: working } = fakeResolver({ [host]: recordsOf(["1.1.1.1"]) });
    expect(await resolveHost(host, working)).toBe("public");
  });

  test("a call fails with an error that can be retried, and a URL has no fault", async () => {
    const resolver = { resolverUrl, fetch: (() => Promise.reject(new TypeError("fetch failed"))) as typeof fetch };
    const url = `https://${newHost()}/v1`;
    await expect(createGuardedFetch({ ...bounds, ...resolver })(url)).rejects.toMatchObject({
      reason: "unresolved",
      retryable: true,
      message: "The IP address of the host could not be looked up. Try again later.",
    });
    expect(await faultOfUrl(url, resolver)).toBeUndefined();
  });

  test("one answer of two can only refuse a host", async () => {
    const failing = (failed: string) => (type: string) => (type === failed ? 2 : 0);
    const [publicHost, privateHost] = [newHost(), newHost()];
    const hosts = { [publicHost]: recordsOf(["1.1.1.1"]), [privateHost]: recordsOf(["10.0.0.1"]) };
    const { resolver } = fakeResolver(hosts, failing("AAAA"));
    expect(await resolveHost(publicHost, resolver)).toBe("unanswered");
    expect(await resolveHost(privateHost, resolver)).toBe("private");
  });

  test("the caller can give up", async () => {
    const guarded = createGuardedFetch({ ...bounds, resolverUrl, fetch: silent });
    const waiting = new AbortController();
    const call = guarded(`https://${newHost()}/v1`, { signal: waiting.signal });
    waiting.abort(new Error("gave up"));
    await expect(call).rejects.toThrow("gave up");
  });
});
