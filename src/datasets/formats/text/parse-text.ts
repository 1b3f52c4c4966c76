import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { maxRowLength } from "../../constants.ts";
import { decodeText } from "./decode.ts";
import { linesOf } from "./lines.ts";
import { Sections } from "./sections.ts";
import { problem, certainty, type ByteSource, type Parsed, type FileFormat } from "../types.ts";
import { hasTag, htmlExtensions } from "./markup.ts";

/** Extensions of plain text. Tables may have them too. */
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

/** Plain text: the fallback format. */
export const textFormat = {
  name: "text",
  label: "plain text",
  matchesText: (text, extension) =>
    htmlExtensions.includes(extension) && !hasTag(text) ? certainty.named : certainty.fallback,
  parse: parseProse,
} as const satisfies FileFormat;

/** Parses plain text or Markdown into sections. Positions are lines. Lines with invalid UTF-8 are skipped. */
async function* parseProse(source: ByteSource, name: string, work: WorkMeter): AsyncGenerator<Parsed> {
  yield* sectionsOf(decodeText(source, work), name, work);
}

/** The work on each character of a section: its lines are normalized. */
const unitsPerCharacter = 10;

/** Splits a chunked text into sections. */
export async function* sectionsOf(chunks: AsyncIterable<string>, name: string, work: WorkMeter): AsyncGenerator<Parsed> {
  const sections = new Sections(name);
  let broken = 0;
  for await (const { number, text, isLast } of linesOf(chunks, maxRowLength / 4, work)) {
    await work.spend(text.length * unitsPerCharacter);
    if (text.isWellFormed()) yield* sections.add(text, isLast);
    else if (broken !== number) {
      broken = number;
      yield problem(number, "invalid_encoding", "is not valid UTF-8 and was skipped");
    }
  }
  yield* sections.end();
}
