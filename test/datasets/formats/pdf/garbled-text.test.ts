import { expect, test } from "vitest";
import { isGarbled } from "../../../../src/datasets/formats/pdf/garbled-text.ts";

test.each([
  ["glyphs of private use", "\uE001\uE002\uE003 \uE004"],
  ["replacement characters", "\uFFFD\uFFFD\uFFFD\uFFFD"],
  ["glyph numbers as controls", "+HOOR\u0003ZRUOG\u0003DQG\u0003PRUH"],
])("%s are garbled", (_, text) => expect(isGarbled(text)).toBe(true));

test.each([
  ["a list with bullets of a symbol font", "\uF0B7 first item\n\uF0B7 second item"],
  ["Chinese", "\u4F60\u597D\uFF0C\u4E16\u754C\u3002"],
  ["emoji", "\u{1F600}\u{1F44D}\u{1F3FD}"],
  ["formulas", "\u2200x \u2208 \u211D: \u{1D465}\u00B2 \u2265 0"],
  ["nothing", " \n"],
])("%s is not garbled", (_, text) => expect(isGarbled(text)).toBe(false));
