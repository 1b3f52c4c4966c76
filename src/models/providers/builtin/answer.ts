import type { NumberedPassage } from "../../gateway/passage-block.ts";
import { beginningOf, quotesFor, type Quote } from "./quotes.ts";

/** An answer of the extractive model, with the passages it quotes. */
export type Answer = { text: string; cited: NumberedPassage[] };

/**
 * Answers with quotes from the passages only. Each quote has the number of its passage; a list of sources follows.
 * @param connectable display names of the providers whose models can be connected
 */
export function answer(question: string, passages: readonly NumberedPassage[], connectable: readonly string[]): Answer {
  const [first] = passages;
  if (first === undefined) return { text: nothingKnown(connectable), cited: [] };
  const quotes = quotesFor(question, passages);
  if (quotes.length > 0) return quoting("This is what the knowledge base says about your question:", quotes);
  return quoting(
    "No retrieved passage shares a significant word with your question, so I cannot say whether one answers it. " +
      "The first passage begins:",
    [beginningOf(first)],
  );
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

function quoting(introduction: string, quotes: readonly Quote[]): Answer {
  const cited = [...new Set(quotes.map(({ passage }) => passage))];
  const paragraphs = [
    introduction,
    ...quotes.map(({ text, isTruncated: isCut, passage }) => `“${text}”${isCut ? " …" : ""} [${passage.number}]`),
    `Sources:\n${cited.map(({ number, source }) => `- [${number}] ${source.replace(/\s+/g, " ").trim()}`).join("\n")}`,
  ];
  return { text: paragraphs.join("\n\n"), cited };
}
