import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPublicAddress } from "../../../src/kit/egress/addresses.ts";
import { addresses } from "./support/hostile-urls.ts";

describe("an address", () => {
  test.each(addresses.special)("is not public: %s", (address) => expect(isPublicAddress(address)).toBe(false));
  test.each(addresses.global)("is public: %s", (address) => expect(isPublicAddress(address)).toBe(true));

  test("of IPv4 is not public once IPv6 wraps it", () => {
    const wrapped = fc
      .tuple(fc.constantFrom("::", "::ffff:", "::ffff:0:", "64:ff9b::"), fc.ipV4())
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(wrapped, (address) => {
        expect(isPublicAddress(address)).toBe(false);
      }),
    );
  });

  test("of a private network is not public, whichever it is", () => {
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
