import { expect, test } from "vitest";
import { truncate, toPostgresText, toSingleLineJson, toStorableText } from "../../../src/kit/db/text.ts";

test("external text is trimmed, truncated and stripped of characters that Postgres cannot store", () => {
  expect(toStorableText("  a\0b  ", 10)).toBe("ab");
  expect(toStorableText("\ud800abc", 10)).toBe("\ufffdabc");
  expect(toStorableText("ab😀", 3)).toBe("ab\ufffd");
  expect(toPostgresText("a\0\udc00")).toBe("a\ufffd");
});

test("single-line JSON has no line terminators", () => {
  expect(toSingleLineJson({ text: "a\u2028b\u0085c" })).toBe('{"text":"a\\u2028b\\u0085c"}');
});

test("truncated text includes its note within the limit and never splits a surrogate pair", () => {
  expect(truncate("short", 5)).toBe("short");
  expect(truncate("x".repeat(100), 50)).toBe(`${"x".repeat(19)} … [cut: it has 100 characters]`);
  for (const limit of [40, 41]) {
    const text = truncate("😀".repeat(40), limit);
    expect(text.length).toBeLessThanOrEqual(limit);
    expect(text.isWellFormed()).toBe(true);
  }
});
