import { describe, expect, test } from "vitest";
import { endsSentence, sentenceEnds } from "../../../src/knowledge/chunking/sentences.ts";

const sentences = (text: string) => text.split(sentenceEnds).map((each) => each.trim());

describe("the end of a sentence", () => {
  test.each([
    ["He came. She left.", ["He came.", "She left."]],
    ["“He came.” She left.", ["“He came.”", "She left."]],
    ["Er kam. „Wirklich?“ Ja.", ["Er kam.", "„Wirklich?“", "Ja."]],
    ["¿Vino? ¡Sí! «Claro.» Bien.", ["¿Vino?", "¡Sí!", "«Claro.»", "Bien."]],
    ["It holds.[12] It was known.[a][3] Since then.", ["It holds.[12]", "It was known.[a][3]", "Since then."]],
    ["彼は来た。「本当？」彼女は去った。", ["彼は来た。", "「本当？」", "彼女は去った。"]],
    ["वह आया। वह गया।", ["वह आया।", "वह गया।"]],
    ["هل جاء؟ نعم.", ["هل جاء؟", "نعم."]],
    ["Mr. Smith met J. R. Miller in St. Gallen, No. 5.", ["Mr. Smith met J. R. Miller in St. Gallen, No. 5."]],
    ["Version 1.2 of e.g. the tool costs 3.50 EUR", ["Version 1.2 of e.g. the tool costs 3.50 EUR"]],
    ["So did I. Then we left.", ["So did I.", "Then we left."]],
  ])("%s", (text, expected) => {
    expect(sentences(text)).toEqual(expected);
  });

  test("a line ends a sentence if the next line starts one", () => {
    expect(endsSentence("the end.", "The start")).toBe(true);
    expect(endsSentence("the end.\r", "  “The start")).toBe(true);
    expect(endsSentence("the end of", "The Netherlands")).toBe(false);
    expect(endsSentence("costs 3 approx.", "four")).toBe(false);
    expect(endsSentence("met Dr.", "Smith")).toBe(false);
    expect(endsSentence("終わり。", "始まり")).toBe(true);
  });
});
