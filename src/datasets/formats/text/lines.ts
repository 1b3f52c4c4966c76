/** A line, or a piece of one that is longer than was asked for. */
export type LinePiece = {
  /** Number of the line, from 1. */
  number: number;
  text: string;
  /** Whether the line starts with this piece. */
  isFirst: boolean;
  /** Whether the line ends with this piece; the text of the last line may lack a line end of its own. */
  isLast: boolean;
};

/** The lines of a text, whether they end with LF, CR LF or CR, in pieces of at most `maxLength`. */
export async function* linesOf(chunks: AsyncIterable<string>, maxLength: number): AsyncGenerator<LinePiece> {
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

/** Where a text is best cut at or before `at`: after a sentence, else after a word, both in the later half; else between characters. */
export function cutBefore(text: string, at: number): number {
  const head = text.slice(0, at);
  const sentence = Math.max(...[". ", "! ", "? ", "。"].map((end) => head.lastIndexOf(end))) + 1;
  const word = head.lastIndexOf(" ");
  for (const place of [sentence, word]) if (place > at / 2) return place;
  let cut = at;
  while (cut > at - 32 && continuing.test(text.slice(cut - 1, cut + 1))) cut--;
  return cut;
}

/** Two UTF-16 units that belong together: a pair of surrogates, or what is composed with the unit before it. */
const continuing = /^(?:[\u{10000}-\u{10FFFF}]|[^][\p{M}\u1160-\u11FF\u200D])$/u;
