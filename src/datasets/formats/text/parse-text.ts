import { maxRowLength } from "../../constants.ts";
import { decodeText } from "./decode.ts";
import { linesOf } from "./lines.ts";
import { Sections } from "./sections.ts";
import { type ByteSource, type Parsed, problem } from "../types.ts";

/** The sections of plain text or Markdown. Positions are lines; one that is not valid UTF-8 is left out. */
export async function* parseProse(source: ByteSource, name: string): AsyncGenerator<Parsed> {
  yield* sectionsOf(decodeText(source), name);
}

/** The sections of a text that comes in chunks. */
export async function* sectionsOf(chunks: AsyncIterable<string>, name: string): AsyncGenerator<Parsed> {
  const sections = new Sections(name);
  let broken = 0;
  for await (const { number, text, isLast } of linesOf(chunks, maxRowLength / 2)) {
    if (text.isWellFormed()) yield* sections.add(text, isLast);
    else if (broken !== number) {
      broken = number;
      yield problem(number, "invalid_encoding", "is not valid UTF-8 and was left out");
    }
  }
  yield* sections.end();
}
