import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitThinking, ThinkSplitter } from "../../../../src/models/providers/compatible/think-splitter.ts";

describe("reasoning between tags", () => {
  test.each<[text: string, reasoning: string, answer: string]>([
    ["<think>Hm.</think>Hello.", "Hm.", "Hello."],
    ["\n<think>\nHm.\n</think>\n\nHello.", "Hm.\n", "\nHello."],
    ["<THINKING>Hm.</THINKING> Hello.", "Hm.", "Hello."],
    ["[THINK]Hm.[/THINK]Hello.", "Hm.", "Hello."],
    ["Hm, 1 < 2.\n</think>\n\nHello.", "Hm, 1 < 2.\n", "Hello."],
    ["Hm.</think>Hello.", "Hm.", "Hello."],
    ["<think>One.</think>Two.\n<think>Three.</think>Four.", "One.Three.", "Two.\nFour."],
    ["<think>Only this", "Only this", ""],
    ["<think></think>Hello.", "", "Hello."],
  ])("%j", (text, reasoning, answer) => {
    expect(splitThinking(text)).toEqual({ reasoning, text: answer });
  });

  test.each([
    "Use `<think>` and `</think>` around it.",
    "The tag </thin is broken, and so is <think",
    'It says "</think>" at the end.',
    "```xml\n<think>\nHm.\n</think>\n```\nThat is how.",
    "An array a[1] < b[2], and [THIN] is no tag.",
    "Put it in a <think> tag.",
  ])("text that only speaks of tags stays text: %j", (text) => {
    expect(splitThinking(text)).toEqual({ reasoning: "", text });
  });
});

test("a text is split in the same way wherever its pieces end", () => {
  const words = [
    "<think>",
    "</think>",
    "<thi",
    "nk>",
    "Hm",
    "\n",
    " ",
    "`",
    "```",
    '"',
    "<",
    "[",
    "[THINK]",
    "[/THINK]",
    "a b",
  ];
  const anyText = fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(anyText, fc.array(fc.nat(), { maxLength: 8 }), (text, cuts) => {
      const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b), text.length];
      const splitter = new ThinkSplitter();
      const whole = { text: "", reasoning: "" };
      const pieces = places.slice(1).flatMap((place, index) => splitter.push(text.slice(places[index], place)));
      for (const piece of [...pieces, ...splitter.end()]) {
        if (piece.type === "moved") Object.assign(whole, { reasoning: whole.reasoning + whole.text, text: "" });
        else whole[piece.type] += piece.text;
      }
      expect(whole).toEqual(splitThinking(text));
    }),
  );
});
