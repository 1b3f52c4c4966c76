import { describe, expect, test } from "vitest";
import { maxFactLength, maxFacts } from "../../src/memory/constants.ts";
import { rankFacts, searchFacts } from "../../src/memory/search-facts.ts";

const factsOf = (...texts: string[]) => texts.map((text, index) => ({ id: index + 1, text }));

const isFound = async (text: string, query: string) => (await rankFacts(factsOf(text), query)).length === 1;

describe("a fact is found", () => {
  test.each([
    ["My daughters played chess.", "daughter"],
    ["My daughters played chess.", "Who plays?"],
    ["Das Büro ist in Zürich.", "zurich"],
    ["CAFÉ", "cafe"],
    ["The code is ERR-4031.", "4031"],
    ["The code is ERR-4031.", "err-4031"],
    ["東京都に住んでいる", "東京"],
    ["猫が好き", "猫"],
    ["iPhoneが好き", "iphone"],
    ["나는 한국어를 배운다", "한국어"],
    ["Моя собака", "СОБАКА"],
    ["أحب القهوة", "القهوة"],
    ["🙂 !?", "🙂"],
  ])("%s by %s", async (text, query) => expect(await isFound(text, query)).toBe(true));

  test.each([
    ["My daughters played chess.", "guitar"],
    ["The office", "the of and"],
    ["🙂 !?", "!?"],
    ["大阪", "東京"],
    ["", "x"],
  ])("%s not by %s", async (text, query) => expect(await isFound(text, query)).toBe(false));
});

describe("ranking", () => {
  test("a rare word weighs more than a common one, and a short fact more than a long one", async () => {
    const facts = factsOf(
      "Tea with milk.",
      "Tea with sugar.",
      "Tea.",
      "Milk, bread, butter, eggs, cheese, flour, salt and milk powder.",
    );
    expect((await rankFacts(facts, "sugar tea"))[0]!.id).toBe(2);
    expect((await rankFacts(facts, "milk"))[0]!.id).toBe(1);
  });

  test("of equal facts the newer comes first, and facts without a common term are left out", async () => {
    expect((await rankFacts(factsOf("Tea", "Coffee", "tea"), "Tea")).map(({ id }) => id)).toEqual([3, 1]);
    expect(await rankFacts([], "Tea")).toEqual([]);
    expect(await rankFacts(factsOf("", "..."), "")).toEqual([]);
  });

  test("a search finds parts of words after whole words", async () => {
    expect((await searchFacts(factsOf("Teapot", "I like tea", "Coffee"), "tea")).map(({ id }) => id)).toEqual([2, 1]);
  });

  test("words that are names of object members are words", async () => {
    expect(
      (await rankFacts(factsOf("The constructor is __proto__.", "toString"), "__proto__ tostring"))
        .map(({ id }) => id)
        .toSorted((a, b) => a - b),
    ).toEqual([1, 2]);
  });

  test("the largest memory is ranked without an error", async () => {
    const facts = factsOf(...Array.from({ length: maxFacts }, (_, index) => `${index} ${"語".repeat(maxFactLength - 4)}`));
    expect(await rankFacts(facts, "語".repeat(4_000))).toHaveLength(maxFacts);
  });
});
