import type { WorkMeter } from "../../../kit/async/work-meter.ts";

/** A line, or a piece of a line above the maximum length. */
export type LinePiece = {
  /** Line number, from 1. */
  number: number;
  text: string;
  /** Whether this piece starts the line. */
  isFirst: boolean;
  /** Whether this piece ends the line. The last line may have no line break. */
  isLast: boolean;
};

/** The work of a line beside that of its characters. */
const unitsPerLine = 300;

/** Splits a text at LF, CR LF or CR into lines, in pieces of at most `maxLength`. */
export async function* linesOf(chunks: AsyncIterable<string>, maxLength: number, work: WorkMeter): AsyncGenerator<LinePiece> {
  let rest = "";
  let number = 1;
  let isFirst = true;
  let searched = 0;
  const take = (length: number, isLast: boolean): LinePiece => {
    const piece = { number, text: rest.slice(0, length), isFirst, isLast };
    isFirst = isLast;
    if (isLast) number++;
    return piece;
  };
  for await (const chunk of chunks) {
    rest += chunk;
    for (;;) {
      await work.spend(unitsPerLine);
      lineEnd.lastIndex = searched;
      const end = lineEnd.exec(rest);
      const length = end?.index ?? rest.length;
      if (length > maxLength) {
        const cut = cutBefore(rest, maxLength);
        yield take(cut, false);
        rest = rest.slice(cut);
        searched = 0;
      } else if (end !== null && end.index + end[0].length < rest.length) {
        yield take(length, true);
        rest = rest.slice(end.index + end[0].length);
        searched = 0;
      } else {
        searched = length;
        break;
      }
    }
  }
  const length = rest.replace(/(?:\r\n|\r|\n)$/, "").length;
  if (rest.length > 0) yield take(length, true);
}

const lineEnd = /\r\n|\r|\n/g;

/** The best split position up to `at`: after a sentence or a word in the later half, or else between characters. */
export function cutBefore(text: string, at: number): number {
  const head = text.slice(0, at);
  const sentence = Math.max(...[". ", "! ", "? ", "。"].map((end) => head.lastIndexOf(end))) + 1;
  const word = head.lastIndexOf(" ");
  for (const place of [sentence, word]) if (place > at / 2) return place;
  let cut = at;
  while (cut > at - 32 && continuing.test(text.slice(cut - 1, cut + 1))) cut--;
  return cut;
}

/** Two UTF-16 code units that must not be separated: a surrogate pair, or a combining character with its base. */
const continuing = /^(?:[\u{10000}-\u{10FFFF}]|[^][\p{M}\u1160-\u11FF\u200D])$/u;
