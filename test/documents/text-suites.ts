import { textOf, wordsOf, type Outcome } from "./read-document.ts";
import { filesOf, judgeValid, missingWords, readText, wrong, type Suite, type Verdict } from "./suite.ts";
import { join } from "node:path";
import { normalizeText } from "../../src/datasets/formats/text/normalize.ts";

/** A text must be in its rows, apart from control characters and white space at the end of lines. */
function judgeText(outcome: Outcome, expected: string): Verdict {
  if (expected.trim() === "") return outcome.refusal === undefined ? wrong("is empty but was read") : "refusal";
  if (/is XML|is not text/.test(outcome.refusal ?? "")) return "refusal";
  if (outcome.format === "html" && outcome.rows.length === 0) return "refusal";
  if (outcome.rows.length === 0 && outcome.problems.length === 0 && !/[^\p{C}\p{Z}]/u.test(expected)) return "refusal";
  const verdict = judgeValid(outcome);
  if (verdict !== "result") return verdict;
  const normal = (text: string) => normalizeText(text).trim();
  return normal(textOf(outcome)) === normal(expected) ? "result" : wrong("has another text");
}

const commonMark = {
  repository: "https://github.com/commonmark/commonmark-spec",
  commit: "31c0ca2d294ea60ab4438004da410e2e590a46f2",
} as const;

/** The Markdown of each example of the specification. */
function examplesOf(folder: string): string[] {
  const specification = readText(join(folder, "spec.txt")) ?? "";
  const examples = specification.matchAll(/^`{32} example\n([\s\S]*?)^\.\n[\s\S]*?^`{32}$/gm);
  return Array.from(examples, ([, markdown = ""]) => markdown.replaceAll("→", "\t"));
}

/** Words of the expected article that may be missing, and words beside it that may be there. */
const minRecall = 0.9;
const minPrecision = 0.8;

/** Pages whose expected text is not the text that our reader promises: why, and the shares that a right result has. */
const otherArticles: Record<string, { why: string; recall?: number; precision?: number }> = {
  "firefox-nightly-blog": { why: "the comments of readers are expected", recall: 0.85 },
  hukumusume: { why: "lists of links to other pages are expected", recall: 0.29 },
  mathjax: { why: "the source of formulas in scripts is expected", recall: 0.35 },
  qq: { why: "the titles of a video box and of a poll are expected", recall: 0.85 },
  "nytimes-5": { why: "a list of stories has no article, so all of its text is read", precision: 0.3 },
  "yahoo-2": { why: "the article opens over another page, which has more text", recall: 0.5, precision: 0.15 },
  "yahoo-3": { why: "a stream of other stories has twice the text of the article", precision: 0.2 },
};

/** Compares the words of a page with those of its article. */
function judgeArticle(outcome: Outcome, expected: readonly string[], page: string): Verdict {
  const verdict = judgeValid({ ...outcome, problems: [] });
  if (verdict !== "result") return verdict;
  const words = wordsOf(textOf(outcome));
  const missing = missingWords(expected, words).length;
  const recall = 1 - missing / Math.max(1, expected.length);
  const precision = (expected.length - missing) / Math.max(1, words.length);
  const other = otherArticles[page];
  if (recall >= (other?.recall ?? minRecall) && precision >= (other?.precision ?? minPrecision)) return "result";
  return wrong(
    `has ${Math.round(recall * 100)} % of the article; ${Math.round(precision * 100)} % of its text are the article`,
  );
}

/** The visible text of a fragment of HTML. */
function visibleText(html: string): string {
  const named: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };
  return html
    .replaceAll(/<(script|style|svg|noscript|iframe|button|select)\b[\s\S]*?<\/\1>/gi, " ")
    .replaceAll(/<\/?(?:a|abbr|b|bdi|code|em|i|mark|s|small|span|strong|sub|sup|u|font|cite|q|time|wbr)\b[^>]*>/gi, "")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/&#(x?)([\da-f]+);/gi, (_, hex: string, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, hex ? 16 : 10)),
    )
    .replaceAll(/&(\w+);/g, (entity, name: string) => named[name] ?? entity);
}

export const textSuites: Suite[] = [
  {
    ...commonMark,
    format: "Markdown",
    *cases(folder) {
      for (const [index, markdown] of examplesOf(folder).entries())
        yield {
          name: `example-${index + 1}.md`,
          bytes: Buffer.from(markdown),
          judge: (outcome) => judgeText(outcome, markdown),
        };
    },
  },
  {
    format: "text",
    repository: "https://github.com/minimaxir/big-list-of-naughty-strings",
    commit: "db33ec7b1d5d9616a88c76394b7d0897bd0b97eb",
    *cases(folder) {
      for (const { bytes } of filesOf(folder, "blns.json"))
        for (const [index, text] of (JSON.parse(Buffer.from(bytes).toString()) as string[]).entries())
          yield { name: `string-${index + 1}.txt`, bytes: Buffer.from(text), judge: (outcome) => judgeText(outcome, text) };
    },
  },
  {
    format: "HTML",
    repository: "https://github.com/mozilla/readability",
    commit: "ab4027a8b37669745016869a37a504727992b2ba",
    *cases(folder) {
      for (const { path, bytes } of filesOf(folder, "test/test-pages/*/source.html")) {
        const page = path.split("/").at(-2)!;
        const expected = wordsOf(visibleText(readText(path.replace(/source\.html$/, "expected.html")) ?? ""));
        yield { name: `${page}.html`, bytes, judge: (outcome) => judgeArticle(outcome, expected, page) };
      }
    },
  },
];
