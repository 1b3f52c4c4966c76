export type Style = "markdown" | "code" | "prose";

/** A line that is not blank. A lower rank means a better position to cut before the line. */
export type Line = {
  start: number;
  /** The end of the previous line that is not blank. */
  previousEnd: number;
  rank: number;
  heading: { level: number; title: string } | undefined;
};

/** The length of the inspected start of a line, in UTF-16 units. */
const headLength = 160;

/** Yields the lines of a part of a text that are not blank. */
export function* linesOf(text: string, from: number, to: number, style: Style): Generator<Line> {
  const rankOf = ranking[style]();
  let previous = "";
  let previousEnd = from;
  for (let at = skipSpace(text, from); at < to;) {
    const start = Math.max(from, text.lastIndexOf("\n", at) + 1);
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? to : Math.min(to, newline);
    const head = text.slice(start, Math.min(end, start + headLength)).replace(/[\ud800-\udbff]$/, "");
    const isAfterBlank = previous !== "" && text.indexOf("\n", previousEnd) + 1 < start;
    const { rank, heading } = rankOf({ head, previous, isAfterBlank, indent: at - start });
    yield { start, previousEnd, rank, heading };
    previous = head;
    previousEnd = end;
    at = skipSpace(text, end);
  }
}

/** The first position from `at` that is not white space. */
export function skipSpace(text: string, at: number): number {
  const nonBlank = /\S/g;
  nonBlank.lastIndex = at;
  return nonBlank.exec(text)?.index ?? text.length;
}

type LineContext = { head: string; previous: string; isAfterBlank: boolean; indent: number };
type Ranked = Pick<Line, "rank" | "heading">;

const fence = /^ {0,3}(`{3,}|~{3,})/;
const atxHeading = /^ {0,3}(#{1,6})[ \t]+(\S.*)/;

/** The title of a heading, without the number signs that may close it. */
function titleOf(text: string): string {
  const title = text.trimEnd();
  let end = title.length;
  while (title[end - 1] === "#") end--;
  const isClosed = end < title.length && (title[end - 1] === " " || title[end - 1] === "\t");
  return isClosed ? title.slice(0, end).trimEnd() : title;
}
const listItem = /^\s*(?:[-*+]|\d{1,9}[.)])\s/;
const tableRow = /^\s*\|/;

/** Ranks a line as a position to cut before. A ranker remembers the previous lines. */
const ranking: Record<Style, () => (line: LineContext) => Ranked> = {
  prose:
    () =>
    ({ isAfterBlank }) => ({ rank: isAfterBlank ? 1 : 4, heading: undefined }),
  markdown: () => {
    let opened: string | undefined;
    return ({ head, previous, isAfterBlank, indent }) => {
      const isInside = opened !== undefined;
      const marks = fence.exec(head)?.[1];
      if (marks !== undefined && opened === undefined) opened = marks;
      else if (opened !== undefined && marks?.startsWith(opened)) opened = undefined;
      if (isInside) return { rank: isAfterBlank ? 5 : 6, heading: undefined };
      const [, level, title] = atxHeading.exec(head) ?? [];
      const heading = level === undefined ? undefined : { level: level.length, title: titleOf(title!) };
      if (isAfterBlank) return { rank: indent > 1 ? 2 : 1, heading };
      return { rank: listItem.test(head) ? 3 : tableRow.test(head) && !tableRow.test(previous) ? 2 : 4, heading };
    };
  },
  code:
    () =>
    ({ head, previous, isAfterBlank, indent }) => {
      const depth = Math.min(8, Math.ceil(indent / (head.startsWith("\t") ? 1 : 2)));
      const isEnding = /^\s*(?:[)\]}]|end\b|else\b|elif\b|catch\b|except\b|finally\b)/.test(head);
      const isAnnotated = remark.test(previous) && !isAfterBlank;
      const isStarting = !isAnnotated && (definition.test(head) || remark.test(head));
      return { rank: isEnding ? 40 : 2 * depth + (isAfterBlank ? 0 : isStarting ? 1 : 9), heading: undefined };
    },
};

/** A comment or an annotation. It belongs to the next line. */
const remark = /^\s*(?:\/\/|\/?\*|#(?!include)|--|"""|@\w)/;

const definition =
  /^\s*(?:(?:export|default|public|private|protected|internal|static|abstract|final|async|pub(?:\(\w+\))?|unsafe|extern)\s+)*(?:function|class|interface|type|enum|struct|impl|trait|mod|module|namespace|package|def|fn|func|fun|sub|create|test|describe)\b/i;

/** Detects the style of a text from its lines. */
export function styleOf(text: string): Style {
  const lines = text
    .slice(0, 32_768)
    .split("\n", 400)
    .map((line) => line.slice(0, headLength).trimEnd());
  const nonBlank = lines.filter((line) => line.trim() !== "");
  if (nonBlank.some((line) => fence.test(line))) return "markdown";
  const isCode = (line: string) =>
    /[;{}]$|^\s*[)\]}]+[;,]?$/.test(line) || (definition.test(line) && /[:({]$/.test(line)) || codeLine.test(line);
  if (nonBlank.length > 2 && nonBlank.filter(isCode).length >= 0.4 * nonBlank.length) return "code";
  return nonBlank.some((line) => atxHeading.test(line) || listItem.test(line) || tableRow.test(line)) ? "markdown" : "prose";
}

const codeLine =
  /^\s*(?:import\s+["'{*\w]|from\s+\S+\s+import\s|#include\b|using\s+\w+(?:[.:]+\w+)*;|return\b|(?:const|let|var|val)\s+\S+\s*=|(?:self|this)\.\w+|[\w.[\]]+\s*[-+*/|]?=\s*\S|(?:if|for|while|with|try|except|else|elif)\b.*:$|\w+(?:\.\w+)*\(.*\)$)/;
