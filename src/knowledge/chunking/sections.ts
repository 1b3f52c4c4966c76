import { frontMatterOf } from "./front-matter.ts";
import { linesOf, skipSpace } from "./lines.ts";

/** A section of a text. Its first line is its heading. */
export type Section = { start: number; end: number; heading: string | null };

/**
 * Yields the sections of a Markdown text, in order, each with the path of its headings. The title of its front matter is above all
 * headings. Consecutive headings without text between them start one section, with the path of the last one.
 */
export function* sectionsOf(text: string): Generator<Section> {
  const front = frontMatterOf(text);
  const path: string[] = [];
  let section: Section = { start: skipSpace(text, 0), end: 0, heading: front?.title ?? null };
  let isBare = true;
  for (const { start, previousEnd, heading } of linesOf(text, front?.end ?? 0, text.length, "markdown")) {
    if (heading === undefined) {
      isBare = false;
      continue;
    }
    if (!isBare) {
      yield { ...section, end: previousEnd };
      section = { start, end: 0, heading: null };
    }
    path.length = heading.level - 1;
    path.push(heading.title);
    section.heading = pathOf([front?.title, ...path]);
    isBare = true;
  }
  const end = text.trimEnd().length;
  if (section.start < end) yield { ...section, end };
}

/** Joins titles. Levels may be missing, and a document often repeats its title as its first heading. */
function pathOf(titles: readonly (string | undefined)[]): string {
  const present = titles.filter((title) => title !== undefined);
  return present.filter((title, index) => title !== present[index - 1]).join(" > ");
}
