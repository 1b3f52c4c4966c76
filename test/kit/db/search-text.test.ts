import { expect, test } from "vitest";
import { containsPattern, webSearchText } from "../../../src/kit/db/search-text.ts";

test("a pattern finds the characters of LIKE themselves", () => {
  expect(containsPattern(String.raw`50%_\ off`)).toBe(String.raw`%50\%\_\\ off%`);
});

test("a web search keeps words, phrases, or, and not", () => {
  const search = 'well-known "small mammals" or lake -boats -"big cats"';
  expect(webSearchText(search)).toBe(search);
});

test.each(["-".repeat(33), "- ".repeat(50), '-""'.repeat(50), '-"-'.repeat(60), "-(-".repeat(40), 'a -"'])(
  "a web search loses the operators of %j that have no operand",
  (text) => expect(webSearchText(text)).not.toContain("-"),
);
