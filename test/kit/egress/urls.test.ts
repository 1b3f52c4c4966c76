import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { faultOfUrl, createGuardedFetch } from "../../../src/kit/egress/fetch.ts";
import { targetError } from "../../../src/kit/egress/urls.ts";
import { faultsOfText, fine, hostileUrls, settings } from "./support/hostile-urls.ts";

const limits = { maxResponseBytes: 100_000, firstByteTimeoutMs: 300, timeoutMs: 600 };

/** A fetch that must not be reached. */
const nowhere: typeof fetch = () => Promise.reject(new Error("It went out."));

describe("a base URL when it is saved", () => {
  test("the list has at least eighty hostile URLs", () => {
    expect(new Set(hostileUrls.map(({ url }) => url)).size).toBe(hostileUrls.length);
    expect(hostileUrls.length).toBeGreaterThanOrEqual(80);
  });

  test.each(hostileUrls)("$url is refused: $why", ({ url, fault }) => {
    expect(faultOfUrl(url, settings)).toBe(fault);
  });

  test.each(fine)("%s is accepted", (url) => {
    expect(faultOfUrl(url, settings)).toBeUndefined();
  });
});

test("a URL that development allows is accepted, also over http, and no other", () => {
  const allowedHosts = ["127.0.0.1:11434", "LocalHost"];
  const faultOf = (url: string) => faultOfUrl(url, { ...settings, allowedHosts });
  for (const url of ["http://127.0.0.1:11434/v1", "http://localhost:8080/v1", "https://localhost/v1"]) {
    expect(faultOf(url)).toBeUndefined();
  }
  expect(faultOf("http://127.0.0.1:11435/v1")).toBe("must begin with https://");
  expect(faultOf("http://user@localhost/v1")).toBe("must not contain a username or password");
  expect(faultOf("http://0x7f.1:11434/v1")).toContain("plain host name");
  expect(faultOf("ftp://localhost/v1")).toBe("must begin with https://");
  expect(faultOfUrl("http://localhost:8787/", { allowedHosts, ownHosts: ["localhost:8787"] })).toContain("this server");
});

describe("a URL when it is called", () => {
  const guarded = createGuardedFetch({ ...settings, ...limits, fetch: nowhere });

  test.each(hostileUrls.filter(({ fault }) => !faultsOfText.test(fault)))("$url is refused", async ({ url }) => {
    await expect(guarded(url)).rejects.toMatchObject({ name: "EgressError", reason: "refused", retryable: false });
  });

  test("the URL that was checked is the one that is called", async () => {
    const called: unknown[] = [];
    const recording: typeof fetch = (input) => {
      called.push(input);
      return Promise.resolve(new Response("fine"));
    };
    await createGuardedFetch({ ...limits, fetch: recording })(" https:\\\\api.OPENAI.com\\v1/models?alt=sse#x");
    await createGuardedFetch({ ...limits, fetch: recording })(new URL("https://api.openai.com/v1"));
    expect(called).toEqual(["https://api.openai.com/v1/models?alt=sse#x", "https://api.openai.com/v1"]);
  });

  test("a hostile URL is refused as a URL or a Request object", async () => {
    await expect(guarded(new URL("https://127.1/"))).rejects.toMatchObject({ reason: "refused" });
    await expect(guarded(new Request("https://0x7f.1/"))).rejects.toMatchObject({ reason: "refused" });
  });
});

/** A number in one of the bases that address parsers read. */
const inSomeBase = (value: number) =>
  fc.constantFrom(String(value), `0${value.toString(8)}`, `0x${value.toString(16)}`, `0X${value.toString(16).toUpperCase()}`);

/** An IPv4 address as one to four numbers, each in some base, the last of which holds what the others leave. */
const ipv4Spelling = fc
  .tuple(fc.nat({ max: 2 ** 32 - 1 }), fc.integer({ min: 1, max: 4 }))
  .chain(([address, count]) => {
    const leading = Array.from({ length: count - 1 }, (_, index) => Math.floor(address / 2 ** (24 - 8 * index)) % 256);
    return fc.tuple(...[...leading, address % 2 ** (8 * (5 - count))].map(inSomeBase));
  })
  .map((numbers) => numbers.join("."));

/** The same text with some of its characters as percent-encoding, full-width forms, or other full stops. */
const disguised = (text: string) =>
  fc
    .tuple(
      ...Array.from(text, (character) => {
        const code = character.codePointAt(0)!;
        const others = character === "." ? ["。", "．", "｡", "%2e"] : [String.fromCodePoint(code + 0xfee0)];
        return fc.constantFrom(character, character, ...others, `%${code.toString(16)}`);
      }),
    )
    .map((characters) => characters.join(""));

describe("an IP address as the host of a URL", () => {
  /** Whether a host is refused when saved, and, if it is one at all, when called. */
  const isRefused = (host: string) => {
    const url = `https://${host}/v1`;
    return faultOfUrl(url, {}) !== undefined && (!URL.canParse(url) || targetError(new URL(url), {}) !== undefined);
  };
  const often = { numRuns: 2_000 };

  test("IPv4 is refused", () => {
    const host = fc.tuple(ipv4Spelling, fc.constantFrom("", ".", ":8443")).map((parts) => parts.join(""));
    fc.assert(
      fc.property(host, (text) => {
        expect(isRefused(text)).toBe(true);
      }),
      often,
    );
  });

  test("IPv4 in other notations is refused", () => {
    fc.assert(
      fc.property(ipv4Spelling.chain(disguised), (text) => {
        expect(isRefused(text)).toBe(true);
      }),
      often,
    );
  });

  test("IPv6 is refused, plain, in capitals, and with embedded IPv4", () => {
    const around = fc.tuple(fc.constantFrom("::", "::ffff:", "64:ff9b::"), fc.ipV4()).map((parts) => parts.join(""));
    const host = fc.oneof(fc.ipV6(), around).chain((text) => fc.constantFrom(`[${text}]`, `[${text.toUpperCase()}]`));
    fc.assert(
      fc.property(host, (text) => {
        expect(isRefused(text)).toBe(true);
      }),
      often,
    );
  });

  test("IPv4 under a wildcard DNS domain is refused", () => {
    const address = fc.tuple(fc.ipV4(), fc.constantFrom(".", "-")).map(([text, mark]) => text.replaceAll(".", mark));
    fc.assert(
      fc.property(address, fc.domain(), (text, domain) => {
        expect(isRefused(`${text}.${domain}`)).toBe(true);
      }),
    );
  });
});
