import type { NumberedPassage } from "../../gateway/passage-block.ts";
import { beginningOf, quotesFor, type Quote } from "./quotes.ts";

/** What the extractive model says, and the passages that it quotes. */
export type Answer = { text: string; cited: NumberedPassage[] };

/**
 * Answers with the words of the passages alone, each quote with the number of its passage and a list of their sources.
 * @param connectable names of the providers whose models can be connected instead
 */
export function answer(question: string, passages: readonly NumberedPassage[], connectable: readonly string[]): Answer {
  const [first] = passages;
  if (first === undefined) return { text: nothingKnown(connectable), cited: [] };
  const quotes = quotesFor(question, passages);
  if (quotes.length > 0) return quoting("This is what the knowledge base says closest to your question:", quotes);
  return quoting(
    "Nothing that was retrieved shares a telling word with your question, so I cannot say whether it answers it. " +
      "What was ranked first begins:",
    [beginningOf(first)],
  );
}

function nothingKnown(connectable: readonly string[]): string {
  return [
    "I know nothing yet: no passage was retrieved for your message.",
    "I am the model that is built into this server. I answer by quoting a knowledge base word for word, and I call no tools.",
    connectable.length === 0
      ? "No other models can be connected on this server yet."
      : `For answers in a model's own words, connect one under External models. These can be connected: ${connectable.join(", ")}.`,
  ].join(" ");
}

function quoting(introduction: string, quotes: readonly Quote[]): Answer {
  const cited = [...new Set(quotes.map(({ passage }) => passage))];
  const paragraphs = [
    introduction,
    ...quotes.map(({ text, isCut, passage }) => `“${text}”${isCut ? " …" : ""} [${passage.number}]`),
    `Sources:\n${cited.map(({ number, source }) => `- [${number}] ${source.replace(/\s+/g, " ").trim()}`).join("\n")}`,
  ];
  return { text: paragraphs.join("\n\n"), cited };
}
