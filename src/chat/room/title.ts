import type { Message } from "../../agent/types.ts";

/** Maximum characters of a generated title. */
const maxLength = 60;

/** Characters of a text that are searched for a title. */
const searchedLength = 2_000;

const untitled = "New conversation";

/** The generated title of the first turn; empty if there is a title already, or the answer failed. */
export function titleOf(current: string, question: Message, answer: Message): string {
  return current !== "" || answer.status === "failed" ? "" : titleFor(question.text, answer.text);
}

/**
 * Generates a title without a model: the first sentence of the question with at least three words, or its first sentence, or the same of
 * the answer. Markdown is removed. A long title is truncated at a word and ends with an ellipsis.
 */
export function titleFor(question: string, answer: string): string {
  return titleIn(question) ?? titleIn(answer) ?? untitled;
}

function titleIn(text: string): string | undefined {
  const plain = text
    .slice(0, searchedLength)
    .toWellFormed()
    .replace(/```[\s\S]*?(?:```|$)/g, " ")
    .replace(/!?\[([^\]\n]*)\]\([^)\n]*\)/g, "$1")
    .replace(/^\s*(?:#{1,6}|>|[-*+]|\d+[.)])\s+/gm, "")
    .replace(/(?<![\p{L}\p{N}])[*_`~]{1,3}(?=\S)|(?<=\S)[*_`~]{1,3}(?![\p{L}\p{N}])/gu, "")
    .replace(/(?!\n)\p{C}/gu, (character) => (character === "\u200d" ? character : " "));
  const sentences = plain.split(/(?<=[.!?…。！？])(?:\s+|(?<=[。！？]))|\n+/u).map((each) => each.replace(/\s+/g, " ").trim());
  const sentencesWithWords = sentences.filter((each) => wordsIn(each) > 0);
  const title = sentencesWithWords.find((each) => wordsIn(each) >= 3) ?? sentencesWithWords[0];
  return title === undefined ? undefined : truncateTitle(title);
}

function wordsIn(text: string): number {
  return Array.from(new Intl.Segmenter("und", { granularity: "word" }).segment(text)).filter(({ isWordLike }) => isWordLike)
    .length;
}

function truncateTitle(title: string): string {
  if (title.length <= maxLength) return title;
  let prefix = "";
  for (const { segment } of new Intl.Segmenter("und", { granularity: "grapheme" }).segment(title)) {
    if (prefix.length + segment.length >= maxLength) break;
    prefix += segment;
  }
  const atWord = prefix.replace(/\s+\S*$/u, "");
  return `${(atWord.length > prefix.length / 2 ? atWord : prefix).replace(/[\s,;:–-]+$/u, "")}…`;
}
