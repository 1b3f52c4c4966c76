import { frontMatterOf } from "./front-matter.ts";
import { endsSentence } from "./sentences.ts";

export type Style = "markdown" | "code" | "prose";

/** A table of Markdown: its header row, and the span of its rows that were read. */
export type Table = { header: string; start: number; end: number };

/** A line that is not blank. A lower rank means a better position to cut before the line. */
export type Line = {
  start: number;
  /** The end of the previous line that is not blank. */
  previousEnd: number;
  rank: number;
  heading: { level: number; title: string } | undefined;
  /** The table that the line is a row of. */
  table: Table | undefined;
};

/** The rank of a line that continues a sentence. The end of a sentence is a better position to cut. */
export const continuedRank = 50;

/** The lengths of the inspected start and end of a line, in UTF-16 units. */
const headLength = 160;
const tailLength = 24;

/** Yields the lines of a part of a text that are not blank. A heading and the line that underlines it are one line. */
export function* linesOf(text: string, from: number, to: number, style: Style): Generator<Line> {
  const rankOf = ranking[style]();
  let [previous, previousStart, previousEnd] = ["", from, from];
  let table: Table | undefined;
  for (let at = skipSpace(text, from); at < to;) {
    const start = Math.max(from, text.lastIndexOf("\n", at) + 1);
    let end = endOfLine(text, start, to);
    const head = headOf(text, start, end);
    const { rank, heading, isUnderlined, tableRow } = rankOf({
      head,
      previous,
      isAfterBlank: previous !== "" && text.indexOf("\n", previousEnd) + 1 < start,
      indent: at - start,
      tail: text.slice(Math.max(from, previousEnd - tailLength), previousEnd),
      next: () => headOf(text, end + 1, endOfLine(text, end + 1, to)),
    });
    if (isUnderlined === true) end = endOfLine(text, end + 1, to);
    if (tableRow === "delimiter") table = { header: text.slice(previousStart, previousEnd).trim(), start: previousStart, end };
    else if (tableRow === undefined) table = undefined;
    if (table !== undefined) table.end = end;
    yield { start, previousEnd, rank, heading, table };
    [previous, previousStart, previousEnd] = [head, start, end];
    at = skipSpace(text, end);
  }
}

/** The first position from `at` that is not white space. */
export function skipSpace(text: string, at: number): number {
  const nonBlank = /\S/g;
  nonBlank.lastIndex = at;
  return nonBlank.exec(text)?.index ?? text.length;
}

function endOfLine(text: string, start: number, to: number): number {
  const newline = text.indexOf("\n", start);
  return newline < 0 ? to : Math.min(to, newline);
}

function headOf(text: string, start: number, end: number): string {
  return text.slice(start, Math.min(end, start + headLength)).replace(/[\ud800-\udbff]$/, "");
}

type LineContext = {
  head: string;
  previous: string;
  isAfterBlank: boolean;
  indent: number;
  /** The end of the previous line. */
  tail: string;
  /** The start of the next line, which may be blank. */
  next(): string;
};
type Ranked = Pick<Line, "rank"> & Partial<Pick<Line, "heading">> & { isUnderlined?: boolean; tableRow?: "delimiter" | "row" };

const fence = /^ {0,3}(`{3,}|~{3,})/;
const atxHeading = /^ {0,3}(#{1,6})[ \t]+(\S.*)/;
const underline = /^ {0,3}(?:(=+)|-+)[ \t]*\r?$/;

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

/** A row of hyphens under the header of a table. */
const isDelimiterRow = (head: string): boolean => /^[ |:\t-]+\r?$/.test(head) && head.includes("|") && head.includes("-");

/** A line that no line underlines as a heading, because it is no paragraph. */
const otherBlock = /^(?: {4}|\t| {0,3}(?:>|[-*+]\s|\d{1,9}[.)]\s|\||`{3}|~{3}|[-=*_ ]+\r?$))/;

function headingOf({ head, previous, isAfterBlank, next }: LineContext): Pick<Ranked, "heading" | "isUnderlined"> {
  const [, level, title] = atxHeading.exec(head) ?? [];
  if (level !== undefined) return { heading: { level: level.length, title: titleOf(title!) } };
  const isFirst = previous === "" || isAfterBlank || atxHeading.test(previous) || underline.test(previous);
  const [marks, equals] = isFirst && !otherBlock.test(head) ? (underline.exec(next()) ?? []) : [];
  if (marks === undefined) return {};
  return { heading: { level: equals === undefined ? 2 : 1, title: head.trim() }, isUnderlined: true };
}

/** Ranks a line of a paragraph: whether the previous line is broken on purpose, or ends a sentence. */
function rankInParagraph({ head, previous, tail }: LineContext): number {
  if (atxHeading.test(previous) || /(?: {2}|\\)\r?$/.test(tail)) return 4;
  return endsSentence(tail, head.replace(/^[\s>]+/, "")) ? 4 : continuedRank;
}

/** Ranks a line as a position to cut before. A ranker remembers the previous lines. */
const ranking: Record<Style, () => (line: LineContext) => Ranked> = {
  prose: () => (line) => ({ rank: line.isAfterBlank ? 1 : rankInParagraph(line) }),
  markdown: () => {
    let opened: string | undefined;
    let isTable = false;
    return (line) => {
      const { head, previous, isAfterBlank, indent } = line;
      const isInside = opened !== undefined;
      const marks = fence.exec(head)?.[1];
      if (marks !== undefined && opened === undefined) opened = marks;
      else if (opened !== undefined && marks?.startsWith(opened)) opened = undefined;
      if (isInside) return { rank: isAfterBlank ? 5 : 6 };
      const isDelimiter = !isTable && !isAfterBlank && previous.includes("|") && isDelimiterRow(head);
      isTable = isDelimiter || (isTable && !isAfterBlank && marks === undefined && head.includes("|"));
      // A header stays with its first row.
      if (isTable)
        return { rank: isDelimiter || isDelimiterRow(previous) ? 8 : 4, tableRow: isDelimiter ? "delimiter" : "row" };
      const heading = headingOf(line);
      if (isAfterBlank) return { rank: indent > 1 ? 2 : 1, ...heading };
      if (listItem.test(head)) return { rank: 3, ...heading };
      if (tableRow.test(head)) return { rank: tableRow.test(previous) ? 4 : 2, ...heading };
      return { rank: rankInParagraph(line), ...heading };
    };
  },
  code:
    () =>
    ({ head, previous, isAfterBlank, indent }) => {
      const depth = Math.min(8, Math.ceil(indent / (head.startsWith("\t") ? 1 : 2)));
      const isEnding = /^\s*(?:[)\]}]|end\b|else\b|elif\b|catch\b|except\b|finally\b)/.test(head);
      const isAnnotated = remark.test(previous) && !isAfterBlank;
      const isStarting = !isAnnotated && (definition.test(head) || remark.test(head));
      return { rank: isEnding ? 40 : 2 * depth + (isAfterBlank ? 0 : isStarting ? 1 : 9) };
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
  if (frontMatterOf(text) !== undefined || nonBlank.some((line) => fence.test(line))) return "markdown";
  const isCode = (line: string) =>
    /[;{}]$|^\s*[)\]}]+[;,]?$/.test(line) || (definition.test(line) && /[:({]$/.test(line)) || codeLine.test(line);
  if (nonBlank.length > 2 && nonBlank.filter(isCode).length >= 0.4 * nonBlank.length) return "code";
  const isMarked = (line: string, index: number) =>
    atxHeading.test(line) ||
    listItem.test(line) ||
    tableRow.test(line) ||
    isDelimiterRow(line) ||
    (/^ {0,3}(?:={3,}|-{3,})$/.test(line) && (lines[index - 1] ?? "") !== "" && (lines[index - 2] ?? "") === "");
  return lines.some(isMarked) ? "markdown" : "prose";
}

const codeLine =
  /^\s*(?:import\s+["'{*\w]|from\s+\S+\s+import\s|#include\b|using\s+\w+(?:[.:]+\w+)*;|return\b|(?:const|let|var|val)\s+\S+\s*=|(?:self|this)\.\w+|[\w.[\]]+\s*[-+*/|]?=\s*\S|(?:if|for|while|with|try|except|else|elif)\b.*:$|\w+(?:\.\w+)*\(.*\)$)/;
