import { maxRowLength } from "../../constants.ts";
import { decodeText } from "./decode.ts";
import { linesOf } from "./lines.ts";
import { Sections } from "./sections.ts";
import { problem, certainty, type ByteSource, type Parsed, type FileFormat } from "../types.ts";
import { hasTag, htmlExtensions } from "./markup.ts";

/** Extensions of plain text. A table may be called so, too. */
const textExtensions = new Set(["txt", "text", "log", "rst"]);

/** Markdown. */
export const markdownFormat = {
  name: "markdown",
  label: "Markdown",
  matchesText(text, extension) {
    if (["md", "markdown", "mdx"].includes(extension)) return certainty.named;
    const hasMark = !textExtensions.has(extension) && /^(?:#{1,6} \S|```)/m.test(text);
    return hasMark ? certainty.likely : certainty.impossible;
  },
  parse: parseProse,
} as const satisfies FileFormat;

/** Plain text: what no other format takes. */
export const textFormat = {
  name: "text",
  label: "plain text",
  matchesText: (text, extension) =>
    htmlExtensions.includes(extension) && !hasTag(text) ? certainty.named : certainty.fallback,
  parse: parseProse,
} as const satisfies FileFormat;

/** The sections of plain text or Markdown. Positions are lines; one that is not valid UTF-8 is left out. */
async function* parseProse(source: ByteSource, name: string): AsyncGenerator<Parsed> {
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
      yield problem(number, "invalid_encoding", "is not valid UTF-8 and was skipped");
    }
  }
  yield* sections.end();
}
