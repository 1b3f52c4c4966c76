import * as fc from "fast-check";

const operators = fc.constantFrom(
  "-",
  "-",
  '"',
  "'",
  "\\",
  " ",
  "or",
  " or ",
  "(",
  ")",
  "&",
  "|",
  "!",
  ":*",
  "<->",
  "%",
  "_",
  "*",
  "?",
  "[",
);
const words = fc.constantFrom(
  "a",
  "the",
  "of",
  "eagle",
  "é",
  "😀",
  "日本",
  "1",
  "\u0001",
  "\u2028",
  "\u0301",
  ".",
  "/",
  "@",
  "x".repeat(60),
);

/** Texts of at most 100 characters that somebody may search: operators, quotes, stop words, long words, and anything else. */
export const searchText: fc.Arbitrary<string> = fc
  .oneof(
    fc.string({ unit: operators, minLength: 30, size: "max", maxLength: 100 }),
    fc.string({ unit: fc.oneof(operators, words), size: "max", maxLength: 100 }),
    fc.string({ unit: "binary", maxLength: 100 }),
  )
  .map((text) => text.slice(0, 100).toWellFormed());

/** Texts that failed once, or that are likely to. */
export const hardTexts: readonly string[] = [
  "-".repeat(33),
  "-".repeat(100),
  "- ".repeat(50),
  "-(".repeat(50),
  '-""'.repeat(33),
  '-"-'.repeat(33),
  '"'.repeat(99),
  "'".repeat(99),
  "\\".repeat(99),
  "-'a ".repeat(25),
  "the of and",
  "or or or",
  "x".repeat(100),
  "a & | b",
  "<->",
  ":*",
  "%_%",
  "😀".repeat(50),
];
