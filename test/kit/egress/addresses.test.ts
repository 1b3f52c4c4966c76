import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createGuardedFetch } from "../../../src/kit/egress/fetch.ts";
import { isPublicAddress, resolvesToPublicAddress } from "../../../src/kit/egress/addresses.ts";
import { addresses } from "./support/hostile-urls.ts";

const resolverUrl = "https://resolver.example.com/dns-query";

/** A resolver that knows the addresses of some hosts, and what it was lookups. */
function fakeResolver(records: Record<string, readonly string[]>) {
  const lookups: string[] = [];
  const send: typeof fetch = (input) => {
    const { searchParams, host } = new URL(input as string);
    if (host !== "resolver.example.com") return Promise.resolve(new Response("reached"));
    const [name, type] = [searchParams.get("name")!, searchParams.get("type")!];
    lookups.push(`${name} ${type}`);
    const data = (records[name] ?? []).filter((address) => address.includes(":") === (type === "AAAA"));
    const alias = { name, type: 5, data: "an-alias.example.com." };
    return Promise.resolve(
      Response.json({
        Status: 0,
        Answer: [alias, ...data.map((value) => ({ name, type: type === "A" ? 1 : 28, data: value }))],
      }),
    );
  };
  return { lookups, resolver: { resolverUrl, fetch: send } };
}

let count = 0;
/** A host that no other test lookups for, as answers are kept. */
const newHost = () => `host-${(count += 1)}.example.com`;

afterEach(() => vi.useRealTimers());

describe("an IP address", () => {
  test.each(addresses.special)("%s is not public", (address) => expect(isPublicAddress(address)).toBe(false));
  test.each(addresses.global)("%s is public", (address) => expect(isPublicAddress(address)).toBe(true));

  test("a wrapped IPv4 address is never public in IPv6", () => {
    const wrapped = fc
      .tuple(fc.constantFrom("::", "::ffff:", "::ffff:0:", "64:ff9b::"), fc.ipV4())
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(wrapped, (address) => {
        expect(isPublicAddress(address)).toBe(false);
      }),
    );
  });

  test("every address of a private network is not public", () => {
    const octet = fc.nat({ max: 255 });
    const network = fc.oneof(
      fc.constantFrom("10.0", "127.0", "192.168", "169.254"),
      fc.integer({ min: 16, max: 31 }).map((second) => `172.${second}`),
      fc.integer({ min: 64, max: 127 }).map((second) => `100.${second}`),
    );
    fc.assert(
      fc.property(network, octet, octet, (net, a, b) => {
        expect(isPublicAddress(`${net}.${a}.${b}`)).toBe(false);
      }),
    );
  });
});

describe("a host name", () => {
  test.each([
    ["with public addresses only is allowed", ["1.1.1.1", "2606:4700::1111"], true],
    ["with a private address among them is refused", ["1.1.1.1", "10.0.0.1"], false],
    ["with a private IPv6 address is refused", ["1.1.1.1", "fd00::1"], false],
    ["with a mapped IPv4 address is refused", ["::ffff:1.1.1.1"], false],
    ["with an invalid address is refused", ["not an address"], false],
    ["without an address is allowed", [], true],
  ])("a host %s", async (_, found, isPublic) => {
    const host = newHost();
    const { lookups, resolver } = fakeResolver({ [host]: found });
    expect(await resolvesToPublicAddress(host, resolver)).toBe(isPublic);
    expect(lookups).toEqual([`${host} A`, `${host} AAAA`]);
  });

  test("a host is resolved once a minute", async () => {
    vi.useFakeTimers();
    const host = newHost();
    const { lookups, resolver } = fakeResolver({ [host]: ["10.0.0.1"] });
    for (const ms of [0, 59_000, 1_000]) {
      vi.advanceTimersByTime(ms);
      expect(await resolvesToPublicAddress(host, resolver)).toBe(false);
    }
    expect(lookups).toHaveLength(4);
  });

  const silent: typeof fetch = (_, init) =>
    new Promise((_resolve, reject) => {
      init!.signal!.addEventListener("abort", () => reject(new Error("late")));
    });

  test.each<[string, typeof fetch]>([
    ["is unreachable", () => Promise.reject(new TypeError("fetch failed"))],
    ["fails", () => Promise.resolve(new Response("no", { status: 500 }))],
    ["returns a malformed reply", () => Promise.resolve(Response.json({ Answer: "10.0.0.1" }))],
    ["times out after a second", silent],
  ])("a host is allowed if the resolver %s", async (_, send) => {
    expect(await resolvesToPublicAddress(newHost(), { resolverUrl, fetch: send })).toBe(true);
  });

  test("a host that resolves to a private address is not called, and no lookup is made without a resolver", async () => {
    const host = newHost();
    const { lookups, resolver } = fakeResolver({ [host]: ["169.254.169.254"] });
    const limits = { maxResponseBytes: 1_000, firstByteTimeoutMs: 1_000, timeoutMs: 1_000 };
    const guarded = createGuardedFetch({ ...limits, ...resolver });
    await expect(guarded(`https://${host}/v1`)).rejects.toMatchObject({ reason: "refused" });
    expect(lookups).toHaveLength(2);
    const allowing = createGuardedFetch({ ...limits, ...resolver, allowedHosts: [host] });
    expect(await (await allowing(`https://${host}/v1`)).text()).toBe("reached");
    const unasked = createGuardedFetch({ ...limits, ...resolver, resolverUrl: "" });
    expect(await (await unasked(`https://${host}/v1`)).text()).toBe("reached");
    expect(lookups).toHaveLength(2);
  });
});
