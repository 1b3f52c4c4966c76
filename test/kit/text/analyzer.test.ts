import { beforeAll, describe, expect, test } from "vitest";
import { loadAnalyzer, type Analyzer } from "../../../src/kit/text/analyzer.ts";
import type { Language } from "../../../src/kit/text/languages.ts";
import { hardTexts } from "../../support/arbitrary-text.ts";

let analyzer: Analyzer;
beforeAll(async () => {
  analyzer = await loadAnalyzer();
});

const termsOf = (text: string, language: Language = "en") => Array.from(analyzer.termsOf(text, language), (term) => term.text);
const wordsOf = (text: string, language: Language = "en") =>
  Array.from(analyzer.termsOf(text, language)).flatMap((term) => (term.kind === "word" ? [term.text] : []));
const queryFor = (query: string, language: Language) =>
  analyzer
    .queryTerms(query)
    .filter((term) => term.languages?.includes(language) ?? true)
    .map((term) => term.text);

/** Whether a query finds a text of a language: they have a term in common. */
const finds = (query: string, text: string, language: Language = "en") => {
  const terms = new Set(termsOf(text, language));
  return queryFor(query, language).some((term) => terms.has(term));
};

describe("words", () => {
  test.each<[Language, string, string]>([
    ["en", "invoice", "Invoices are sent monthly."],
    ["de", "Verträge", "der Vertrag"],
    ["de", "vertrage", "die Verträge"],
    ["de", "Kuendigung", "Kündigungen"],
    ["de", "STRASSE", "Straßen"],
    ["fr", "resume", "un résumé"],
    ["fr", "qualités", "la qualite"],
    ["es", "informacion", "información"],
    ["es", "información", "informaciones"],
    ["it", "lavoratore", "i lavoratori"],
    ["pt", "informação", "informações"],
    ["nl", "verzekering", "verzekeringen"],
    ["sv", "försäkring", "försäkringar"],
    ["no", "forsikring", "forsikringer"],
    ["fi", "vakuutus", "vakuutukset"],
    ["ru", "страховка", "страховки"],
    ["ru", "елка", "Ёлки"],
    ["ru", "Kubernetes", "Установка Kubernetes"],
    ["ar", "مكتبة", "المكتبات"],
    ["ar", "2024", "سنة ٢٠٢٤"],
    ["tr", "ISTANBUL", "İstanbul"],
    ["tr", "istanbul", "ISTANBUL"],
    ["tr", "kitap", "kitaplarımızdan"],
    ["el", "ασφάλεια", "ασφάλειες"],
    ["pl", "ubezpieczenie", "ubezpieczenia"],
    ["en", "Ｆｕｌｌ", "full"],
    ["en", "ﬁnance", "finance"],
    ["en", "Zürich", "Zurich"],
    ["en", "Øresund", "oresund"],
  ])("a text in %s is found by %s", (language, query, text) => {
    expect(finds(query, text, language)).toBe(true);
  });

  test("each word of a text is found by the same word, in any language", () => {
    const text = "Kubernetes versicherungen qualité información красивый कताब 東京 ERR-4031";
    for (const language of ["en", "de", "fr", "ru", "ja", "und"] as const)
      for (const word of text.split(" ")) expect(finds(word, text, language), `${language} ${word}`).toBe(true);
  });

  test("function words are not terms, but names in capitals are", () => {
    expect(termsOf("The IT of the WHO is in it")).toEqual(["it", "who"]);
    expect(termsOf("die Anlage und der Preis", "de")).not.toContain("die");
    expect(termsOf("Do not die", "en")).toContain("die");
    expect(queryFor("How is IT?", "en")).toEqual(["it"]);
  });

  test("a query of nothing but function words keeps them", () => {
    expect(queryFor("who", "en")).toEqual(["who"]);
    expect(finds("who", "The WHO was founded in 1948.")).toBe(true);
    expect(finds("the of and", "The end of it and of that.")).toBe(false);
  });

  test("what an apostrophe shortens is not a term", () => {
    expect(wordsOf("the user's account, we'll")).toEqual(["user", "account"]);
    expect(wordsOf("l’adresse d'accord", "fr")).toEqual(["adress", "accord"]);
  });
});

describe("codes", () => {
  test.each([
    ["4031", "The server answers ERR-4031."],
    ["err-4031", "The server answers ERR_4031."],
    ["ERR4031", "The server answers ERR-4031."],
    ["1.2.3", "since v1.2.3"],
    ["v1.2", "since v1.2.3"],
    ["1.2", "since v1.2.3"],
    ["1.2.3", "since v1.2.3-beta"],
    ["2.1", "requires lib-2.1"],
    ["1000", "1,000 users"],
    ["1.000", "1,000 users"],
    ["name", "call getUserName()"],
    ["getUserName", "call getUserName()"],
    ["get_user_name", "call getUserName()"],
    ["chunk", "set max_chunk_size"],
    ["GPT-4", "with GPT4"],
    ["email", "by e-mail"],
    ["well known", "a well-known fact"],
    ["US", "the U.S. market"],
    ["C++", "written in C++"],
    ["c#", "written in C#."],
    ["example", "ask@example.com"],
    ["R&D", "the R&D budget"],
    ["x", "the letter X"],
    ["🎉", "Done 🎉"],
    ["🎉", "Done 🎉🏻"],
    ["👩‍👧", "a 👨‍👩‍👧"],
    ["€", "5 €"],
  ])("%s finds: %s", (query, text) => {
    expect(finds(query, text)).toBe(true);
  });

  test("a code is a word of its own, apart from its parts", () => {
    expect(wordsOf("ERR-4031 C++ getUserName v1.2.3")).toEqual(["err4031", "c++", "getusername", "1.2.3"]);
    expect(finds("4032", "ERR-4031")).toBe(false);
    expect(finds("1.3", "v1.2.3")).toBe(false);
    expect(finds("C#", "D++ and F#")).toBe(false);
  });
});

describe("scripts without spaces", () => {
  test.each<[Language, string, string]>([
    ["ja", "東京", "私は東京都に住んでいます。"],
    ["ja", "データベース", "ﾃﾞｰﾀﾍﾞｰｽの設定"],
    ["zh", "合同", "解除合同的通知期"],
    ["ko", "계약", "계약을 해지하려면"],
    ["und", "สัญญา", "การยกเลิกสัญญาเช่า"],
    ["ja", "車", "電気自動車の充電"],
  ])("a text in %s is found by %s", (language, query, text) => {
    expect(finds(query, text, language)).toBe(true);
  });

  test("a word is compared by its pairs of characters", () => {
    expect(wordsOf("東京都", "ja")).toEqual(["東京", "京都"]);
    expect(queryFor("東京都", "ja")).toEqual(["東京", "京都"]);
    expect(finds("京都", "東都", "ja")).toBe(false);
  });
});

describe("long words of languages that join words", () => {
  test.each<[Language, string, string]>([
    ["de", "Frist", "Kündigungsfrist"],
    ["de", "Fristen", "die Kündigungsfrist"],
    ["de", "Geld", "Elterngeld"],
    ["de", "Vertrag", "Mietverträge"],
    ["nl", "verzekering", "zorgverzekering"],
    ["sv", "försäkring", "hemförsäkring"],
    ["fi", "vakuutus", "sairausvakuutus"],
  ])("in %s, %s finds %s", (language, query, text) => {
    expect(finds(query, text, language)).toBe(true);
  });

  test("the grams of a word share the weight of one", () => {
    const grams = Array.from(analyzer.termsOf("Kündigungsfrist", "de")).flatMap((term) => (term.kind === "gram" ? [term] : []));
    expect(grams).toHaveLength(12);
    expect(grams.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    expect(termsOf("cancellations", "en").some((term) => term.startsWith("~"))).toBe(false);
  });
});

describe("any text", () => {
  test("any text can be analyzed", () => {
    for (const text of [...hardTexts, "", " ", "\0", "\ud800", "\u0301".repeat(1_000), "\u200d".repeat(99), "🏳️‍🌈", "a\u0000b"]) {
      for (const language of ["en", "de", "ja", "und"] as const) termsOf(text, language);
      expect(analyzer.queryTerms(text).length, text).toBeGreaterThanOrEqual(0);
    }
  });

  test("a term is at most 64 characters, and is the same in the text and in the query", () => {
    for (const text of ["x".repeat(1_000), "Ab".repeat(500), "1.".repeat(500) + "1", "a-".repeat(500) + "b", "ä".repeat(300)]) {
      expect(Math.max(...termsOf(text, "de").map((term) => term.length))).toBeLessThanOrEqual(64);
      expect(finds(text, text, "de")).toBe(true);
    }
  });

  test("a query has at most 1,000 distinct words", () => {
    const words = Array.from({ length: 3_000 }, (_, index) => `${index}`).join(" ");
    expect(analyzer.queryTerms(words)).toHaveLength(1_000);
  });

  test("the terms of a text increase linearly with its length", () => {
    for (const text of ["a-", "漢字", "aB", "1.", "a'", "Kündigung", "🎉"]) {
      const count = (length: number) => termsOf(text.repeat(length), "de").length;
      expect(count(4_000), text).toBeLessThanOrEqual(4.5 * count(1_000));
    }
  });
});
