import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { titleFor } from "../../../src/chat/room/title.ts";

describe("the generated title of a conversation", () => {
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
  ])("the title of %j is %j", (question, title) => {
    expect(titleFor(question, "An answer.")).toBe(title);
  });

  // With steps that grow with the square of the length, this would not end.
  test("a text of a million brackets takes linear time", () => {
    expect(titleFor("[".repeat(1_000_000), "`".repeat(1_000_000))).toBe("New conversation");
  });

  test("the title comes from the answer if the question has no words, and is omitted if neither has any", () => {
    expect(titleFor("???", "What do you mean? Say more.")).toBe("What do you mean?");
    expect(titleFor("???", "!")).toBe("New conversation");
  });

  test("a title has at most sixty characters and no split character", () => {
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
