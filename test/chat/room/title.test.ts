import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { titleFor } from "../../../src/chat/room/title.ts";

describe("the title of a conversation", () => {
  test.each([
    ["How do I bake bread? I have no oven.", "How do I bake bread?"],
    ["Hi! How do I bake bread?", "How do I bake bread?"],
    ["Hi!", "Hi!"],
    ["# Plan\n\n- **Sort** the `user_id` column of [the list](https://x.example/a)", "Sort the user_id column of the list"],
    ["```js\nlet x = 1;\n```\nWhy does this fail?", "Why does this fail?"],
    ["Compute 2*3*4 for me", "Compute 2*3*4 for me"],
    ["今日は元気ですか？明日も会いましょう。", "今日は元気ですか？"],
    ["One\u0000two\u202e three\tfour", "One two three four"],
    [
      "Please explain to me in great detail how photosynthesis works in desert plants",
      "Please explain to me in great detail how photosynthesis…",
    ],
    ["x".repeat(200), `${"x".repeat(59)}…`],
  ])("of %j is %j", (question, title) => {
    expect(titleFor(question, "An answer.")).toBe(title);
  });

  // With steps that grow with the square of the length, this would not end.
  test("of a million brackets is found in linear time", () => {
    expect(titleFor("[".repeat(1_000_000), "`".repeat(1_000_000))).toBe("New conversation");
  });

  test("is of the answer, where the question has no word, and of neither where that has none", () => {
    expect(titleFor("???", "What do you mean? Say more.")).toBe("What do you mean?");
    expect(titleFor("???", "!")).toBe("New conversation");
  });

  test("has at most sixty characters, and is whole, whatever is asked", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.string({ unit: "grapheme", maxLength: 300 }), (a, b) => {
        for (const title of [titleFor(a, b), titleFor(b, a), titleFor(a + b, "")]) {
          expect(title.length).toBeGreaterThan(0);
          expect(title.length).toBeLessThanOrEqual(60);
          expect(title.isWellFormed()).toBe(true);
          expect(title).toMatch(/^[^\n\0]*$/);
        }
      }),
    );
  });
});
