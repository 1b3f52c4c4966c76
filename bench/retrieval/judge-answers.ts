import { mergeNeighbors } from "../../src/knowledge/search/merge-passages.ts";
import type { Retrieved } from "../../src/knowledge/search/retrieve.ts";
import { loadAnalyzer } from "../../src/kit/text/analyzer.ts";
import { findSentences } from "../../src/models/providers/builtin/find-sentences.ts";
import { isCovered } from "./judge.ts";
import type { SetQuestion } from "./sets/types.ts";

/** The number of passages of a turn by default. */
const passagesPerTurn = 4;

/** What the extractive model makes of a question: whether it answers, and whether a sentence that it quotes is one that answers. */
export type JudgedAnswer = { question: SetQuestion; isAnswered: boolean; isRight: boolean };

/** Answers a question from its best passages as a turn does, and judges the answer. */
export async function judgeAnswer(question: SetQuestion, passages: readonly Retrieved[]): Promise<JudgedAnswer> {
  const merged = mergeNeighbors(passages.slice(0, passagesPerTurn)).map((passage, index) => ({
    ...passage,
    number: index + 1,
  }));
  const { quotes, isAnswer } = findSentences(await loadAnalyzer(), question.question, merged);
  const isRight = quotes.some(({ passage, text }) => {
    const { source, start, text: whole } = passage as (typeof merged)[number];
    const at = start + whole.indexOf(text);
    return question.targets.some(
      ({ document, spans }) =>
        document === source && spans.some((span) => isCovered({ start: at, end: at + text.length }, span)),
    );
  });
  return { question, isAnswered: isAnswer, isRight: isAnswer && isRight };
}

/** Prints the share of questions that are answered, the share of right answers, and the share of abstentions where there is no answer. */
export function printAnswers(name: string, answers: readonly JudgedAnswer[]): void {
  const answerable = answers.filter(({ question }) => question.targets.length > 0);
  const others = answers.filter(({ question }) => question.targets.length === 0);
  const answered = answerable.filter(({ isAnswered }) => isAnswered);
  const shares = [
    ["answered", answered.length, answerable.length],
    ["right", answered.filter(({ isRight }) => isRight).length, answered.length],
    ["abstained", others.filter(({ isAnswered }) => !isAnswered).length, others.length],
  ] as const;
  const cells = shares.map(
    ([label, count, of]) => `${label} ${count} of ${of}${of === 0 ? "" : ` (${(count / of).toFixed(2)})`}`,
  );
  console.log([name.padEnd(12), ...cells].join("  "));
}
