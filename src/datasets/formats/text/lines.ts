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

/** Splits a text at LF, CR LF or CR into lines, in pieces of at most `maxLength`. It joins the chunks of a piece once. */
export async function* linesOf(chunks: AsyncIterable<string>, maxLength: number, work: WorkMeter): AsyncGenerator<LinePiece> {
  const line = new OpenLine(maxLength);
  // Whether a CR at the end of a chunk starts a CR LF shows in the next chunk.
  let held = "";
  for await (const chunk of chunks) {
    const text = held + chunk;
    held = "";
    for (let at = 0; at < text.length;) {
      await work.spend(unitsPerLine);
      lineEnd.lastIndex = at;
      const end = lineEnd.exec(text);
      const isHeld = end?.[0] === "\r" && end.index === text.length - 1;
      yield* line.add(text.slice(at, end?.index));
      if (end !== null && !isHeld) yield line.end();
      if (isHeld) held = "\r";
      at = end === null ? text.length : end.index + end[0].length;
    }
  }
  if (held !== "" || line.length > 0) yield line.end();
}

const lineEnd = /\r\n|\r|\n/g;

/** The line that is being read. */
class OpenLine {
  readonly #maxLength: number;
  #number = 1;
  #isFirst = true;
  #pieces: string[] = [];
  length = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Adds text. @returns the full pieces */
  *add(text: string): Generator<LinePiece> {
    this.#pieces.push(text);
    this.length += text.length;
    while (this.length > this.#maxLength) {
      const whole = this.#pieces.join("");
      const cut = cutBefore(whole, this.#maxLength);
      yield this.#take(whole.slice(0, cut), false);
      this.#pieces = [whole.slice(cut)];
      this.length = whole.length - cut;
    }
  }

  /** The last piece of the line. */
  end(): LinePiece {
    const piece = this.#take(this.#pieces.join(""), true);
    this.#pieces = [];
    this.length = 0;
    return piece;
  }

  #take(text: string, isLast: boolean): LinePiece {
    const piece = { number: this.#number, text, isFirst: this.#isFirst, isLast };
    this.#isFirst = isLast;
    if (isLast) this.#number++;
    return piece;
  }
}

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
