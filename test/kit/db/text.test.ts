import { expect, test } from "vitest";
import { truncate, toPostgresText, toSingleLineJson, toStorableText } from "../../../src/kit/db/text.ts";

test("a text from elsewhere is trimmed, shortened, and freed of what Postgres cannot hold", () => {
  expect(toStorableText("  a\0b  ", 10)).toBe("ab");
  expect(toStorableText("\ud800abc", 10)).toBe("\ufffdabc");
  expect(toStorableText("ab😀", 3)).toBe("ab\ufffd");
  expect(toPostgresText("a\0\udc00")).toBe("a\ufffd");
});

test("JSON on one line has no character that ends a line", () => {
  expect(toSingleLineJson({ text: "a\u2028b\u0085c" })).toBe('{"text":"a\\u2028b\\u0085c"}');
});

test("a text that is cut says so within its limit, and ends in no half of a pair", () => {
  expect(truncate("short", 5)).toBe("short");
  expect(truncate("x".repeat(100), 50)).toBe(`${"x".repeat(19)} … [cut: it has 100 characters]`);
  for (const limit of [40, 41]) {
    const text = truncate("😀".repeat(40), limit);
    expect(text.length).toBeLessThanOrEqual(limit);
    expect(text.isWellFormed()).toBe(true);
  }
});
