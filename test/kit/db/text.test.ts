import { expect, test } from "vitest";
import { textFaults, truncate, toPostgresText, toSingleLineJson, toStorableText } from "../../../src/kit/db/text.ts";

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

test("the faults of a value name the paths of texts that cannot be stored, in bounds", () => {
  const message = "has a character that cannot be stored";
  expect(textFaults({ a: ["ok", "a\0"], b: { c: "\ud800" }, ok: "😀" }, "body")).toEqual([
    { path: "a.1", in: "body", message },
    { path: "b.c", in: "body", message },
  ]);
  const many = textFaults({ ["x".repeat(5_000)]: Array<string>(1_000).fill("\0") }, "query");
  expect(many).toHaveLength(20);
  expect(Math.max(...many.map(({ path }) => path.length))).toBeLessThanOrEqual(200);
});
