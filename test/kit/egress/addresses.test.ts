import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPublicAddress } from "../../../src/kit/egress/addresses.ts";
import { addresses } from "./support/hostile-urls.ts";

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
