import { basename, dirname, join } from "node:path";
import { leavesOf, type Outcome } from "./read-document.ts";
import { filesOf, judgeInvalid, judgeValid, readText, wrong, type Case, type Suite, type Verdict } from "./suite.ts";

/** Checks that all cells of a table are in its rows. @param cells the expected records, without the header */
function judgeCells(outcome: Outcome, records: readonly string[][]): Verdict {
  const filled = records.filter((cells) => cells.some((cell) => cell.trim() !== ""));
  if (filled.length === 0) return outcome.rows.length === 0 ? "refusal" : wrong("has rows without cells");
  const verdict = judgeValid(outcome);
  if (verdict !== "result") return verdict;
  if (outcome.rows.length !== filled.length) return wrong(`has ${outcome.rows.length} rows, not ${filled.length}`);
  for (const [index, cells] of filled.entries()) {
    const row = outcome.rows[index]!;
    const read = new Set([...leavesOf(row.fields), row.text].map((leaf) => leaf.trim()));
    const missing = cells.find((cell) => cell.trim() !== "" && !read.has(cell.trim()) && !row.text.includes(cell.trim()));
    if (missing !== undefined) return wrong(`row ${index + 1} lacks ${JSON.stringify(missing)}`);
  }
  return "result";
}

/** The records of an expected JSON: objects by column, or arrays with the header first. */
function recordsOf(json: string): string[][] {
  const expected = JSON.parse(json) as (string[] | Record<string, string>)[];
  return expected.flatMap((each, index) => {
    if (!Array.isArray(each)) return [Object.values(each)];
    return index === 0 ? [] : [each];
  });
}

function* csvCases(folder: string, pattern: string): Generator<Case> {
  for (const { path, name, bytes } of filesOf(folder, pattern)) {
    const json = readText(join(dirname(dirname(path)), "json", `${basename(name, ".csv")}.json`));
    yield {
      name,
      bytes,
      judge: (outcome) => (json === undefined ? judgeInvalid(outcome) : judgeCells(outcome, recordsOf(json))),
    };
  }
}

/** The records of a TSV without quotes: a cell per tab. */
const plainRecords = (bytes: Uint8Array, hasHeader: boolean): string[][] =>
  Buffer.from(bytes)
    .toString()
    .split(/\r?\n/)
    .slice(hasHeader ? 1 : 0)
    .filter((line: string) => line.trim() !== "")
    .map((line: string) => line.split("\t"));

export const tableSuites: Suite[] = [
  {
    format: "CSV",
    repository: "https://github.com/maxogden/csv-spectrum",
    commit: "b251546d5ccb79217a61aa8ca623ce573977d7e1",
    cases: (folder) => csvCases(folder, "csvs/*.csv"),
  },
  {
    format: "CSV",
    repository: "https://github.com/sineemore/csv-test-data",
    commit: "e4c25ebd65902671bc53eedc67275c2328067dbe",
    *cases(folder) {
      // These are invalid only for a reader that knows the expected header.
      const withoutRows = new Set(["bad-header-no-header.csv", "bad-header-wrong-header.csv"]);
      for (const each of csvCases(folder, "csv/*.csv")) {
        if (withoutRows.has(each.name)) yield { ...each, judge: (outcome) => judgeCells(outcome, []) };
        // A quote in the middle of a cell without quotes is read as it stands.
        else if (each.name === "bad-unescaped-quote.csv") yield { ...each, judge: judgeValid };
        else yield each;
      }
    },
  },
  {
    format: "TSV",
    repository: "https://github.com/eBay/tsv-utils",
    commit: "38ed0a1c31742bd8b59196517e89ff0b51e8fb80",
    *cases(folder) {
      for (const { name, bytes } of filesOf(folder, "tsv-{append,filter,join}/tests/input*.tsv")) {
        const records = plainRecords(bytes, !name.includes("noheader"));
        const header = Buffer.from(bytes).toString().split(/\r?\n/, 1)[0]!.split("\t");
        const isRagged = records.some((cells) => cells.length !== header.length);
        yield { name, bytes, judge: (outcome) => (isRagged ? judgeInvalid(outcome) : judgeCells(outcome, records)) };
      }
    },
  },
];
