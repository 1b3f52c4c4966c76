import { expect, test } from "vitest";
import { normalizeUnicode } from "../../src/kit/unicode.ts";

test("a text is normalized as the platform does it", () => {
  expect(normalizeUnicode("Cafe\u0301 ﬁn", "NFC")).toBe("Café ﬁn");
  expect(normalizeUnicode("Cafe\u0301 ﬁn", "NFKC")).toBe("Café fin");
});

test("of more than thirty combining characters in a row thirty stay, and normalized text stays as it is", () => {
  const marks = "\u0316\u0301";
  expect(normalizeUnicode(`x${marks.repeat(500_000)}y`, "NFC")).toBe(`x${"\u0316".repeat(15)}${"\u0301".repeat(15)}y`);
  const doubled = normalizeUnicode(`x${"\u0344".repeat(40)}`, "NFC");
  expect(doubled).toHaveLength(31);
  expect(normalizeUnicode(doubled, "NFC")).toBe(doubled);
});
