import type { Message } from "../../agent/types.ts";

/** Characters of a title that is made from a first message. */
const maxLength = 60;

/** How much of a text is looked at for one. */
const lookedAt = 2_000;

const untitled = "New conversation";

/** A title from the first turn; empty where there is one already, or nothing to make it of. */
export function titleOf(current: string, asked: Message, answer: Message): string {
  return current !== "" || answer.status === "failed" ? "" : titleFor(asked.text, answer.text);
}

/**
 * A title from the first turn, without asking a model: the first sentence of the question that has at least three words, else its first, else
 * the same of the answer. Marks of Markdown are taken off, and what is too long ends at a word, with an ellipsis.
 */
export function titleFor(question: string, answer: string): string {
  return titleIn(question) ?? titleIn(answer) ?? untitled;
}

function titleIn(text: string): string | undefined {
  const plain = text
    .slice(0, lookedAt)
    .toWellFormed()
    .replace(/```[\s\S]*?(?:```|$)/g, " ")
    .replace(/!?\[([^\]\n]*)\]\([^)\n]*\)/g, "$1")
    .replace(/^\s*(?:#{1,6}|>|[-*+]|\d+[.)])\s+/gm, "")
    .replace(/(?<![\p{L}\p{N}])[*_`~]{1,3}(?=\S)|(?<=\S)[*_`~]{1,3}(?![\p{L}\p{N}])/gu, "")
    .replace(/(?!\n)\p{C}/gu, (character) => (character === "\u200d" ? character : " "));
  const sentences = plain.split(/(?<=[.!?…。！？])(?:\s+|(?<=[。！？]))|\n+/u).map((each) => each.replace(/\s+/g, " ").trim());
  const worded = sentences.filter((each) => wordsIn(each) > 0);
  const title = worded.find((each) => wordsIn(each) >= 3) ?? worded[0];
  return title === undefined ? undefined : shortened(title);
}

function wordsIn(text: string): number {
  return Array.from(new Intl.Segmenter("und", { granularity: "word" }).segment(text)).filter(({ isWordLike }) => isWordLike)
    .length;
}

function shortened(title: string): string {
  if (title.length <= maxLength) return title;
  let begun = "";
  for (const { segment } of new Intl.Segmenter("und", { granularity: "grapheme" }).segment(title)) {
    if (begun.length + segment.length >= maxLength) break;
    begun += segment;
  }
  const atWord = begun.replace(/\s+\S*$/u, "");
  return `${(atWord.length > begun.length / 2 ? atWord : begun).replace(/[\s,;:–-]+$/u, "")}…`;
}
