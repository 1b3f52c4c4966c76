import { loadAnalyzer } from "../../../kit/text/analyzer.ts";
import { detectLanguage } from "../../../kit/text/languages.ts";
import type { NumberedPassage } from "../../gateway/passage-block.ts";
import { findSentences, type Quote } from "./find-sentences.ts";
import { noAnswerPhrase } from "./phrases.ts";

/** An answer of the extractive model, with the passages that it cites. */
export type Answer = { text: string; cited: NumberedPassage[] };

/**
 * Answers with the sentences of the passages that answer a question. Each has the number of its passage; a list of sources follows. If
 * no sentence is likely to answer, it says so in the language of the question, and names the closest passage.
 * @param connectable display names of the providers whose models can be connected
 */
export async function answer(
  question: string,
  passages: readonly NumberedPassage[],
  connectable: readonly string[],
): Promise<Answer> {
  const [first] = passages;
  if (first === undefined) return { text: nothingKnown(connectable), cited: [] };
  const { quotes, isAnswer } = findSentences(await loadAnalyzer(), question, passages);
  if (isAnswer) return quoting(quotes);
  const closest = quotes[0]?.passage ?? first;
  return { text: `${noAnswerPhrase(detectLanguage(question))}\n\n${sourceLine(closest)}`, cited: [closest] };
}

function nothingKnown(connectable: readonly string[]): string {
  return [
    "I know nothing yet: no passage was retrieved for your message.",
    "I am the built-in model of this server. I answer by quoting a knowledge base word for word, and I cannot call tools.",
    connectable.length === 0
      ? "No other models can be connected on this server yet."
      : `For answers in a model's own words, connect one under External models. Available providers: ${connectable.join(", ")}.`,
  ].join(" ");
}

function quoting(quotes: readonly Quote[]): Answer {
  const cited = [...new Set(quotes.map(({ passage }) => passage))];
  const paragraphs = [
    ...quotes.map(({ text, isTruncated, passage }) => `“${text}”${isTruncated ? " …" : ""} [${passage.number}]`),
    cited.map(sourceLine).join("\n"),
  ];
  return { text: paragraphs.join("\n\n"), cited };
}

function sourceLine({ number, source }: NumberedPassage): string {
  return `- [${number}] ${source.replace(/\s+/g, " ").trim()}`;
}
