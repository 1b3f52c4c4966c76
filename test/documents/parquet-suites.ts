import { dirname, join } from "node:path";
import { leavesOf, type Outcome } from "./read-document.ts";
import { filesOf, judgeInvalid, judgeValid, readText, wrong, type Suite, type Verdict } from "./suite.ts";

/** Refusals of files that no reader without keys, or of this size, can read. */
const isRightRefusal =
  /encrypted|in other files|has no rows|metadata is damaged|only binary|larger than|row groups? of more than/;

/** The precision of expected decimals, which are doubles. */
const precision = 1e-12;

/** Whether a read leaf is an expected one. Numbers are compared as numbers. */
function isEqual(expected: string, leaf: string): boolean {
  if (expected === leaf || expected.trim() === leaf) return true;
  const number = Number(expected);
  if (expected === "" || leaf === "") return false;
  return number === Number(leaf) || Math.abs(number - Number(leaf)) < Math.abs(number) * precision;
}

/** Our names of roles. */
const roleNames: Record<string, string> = { bot: "assistant", human: "user" };

/** A cell of bytes, which a row cannot hold. */
const isBytes = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((each) => Number.isInteger(each) && each >= 0 && each < 256);

/** Compares the rows with the expected cells of each. */
function judgeRows(outcome: Outcome, records: readonly (readonly unknown[])[]): Verdict {
  if (outcome.refusal !== undefined)
    return isRightRefusal.test(outcome.refusal) ? "refusal" : wrong(`refused: ${outcome.refusal}`);
  const unread = outcome.problems.filter(({ code }) => code !== "left_out").length;
  const count = outcome.rows.length + unread;
  if (count !== records.length) return wrong(`has ${count} rows, not ${records.length}`);
  if (outcome.problems.length > 0) return "refusal";
  for (const [index, cells] of records.entries()) {
    const { fields, text } = outcome.rows[index]!;
    const leaves = [...leavesOf(fields), text];
    const expected = cells
      .filter((cell) => !isBytes(cell))
      .flatMap(leavesOf)
      .map((leaf) => roleNames[leaf] ?? leaf);
    const missing = expected.find(
      (each) => !leaves.some((leaf) => isEqual(each, leaf)) && each.trim() !== "" && !text.includes(each),
    );
    if (missing !== undefined) return wrong(`row ${index + 1} lacks ${missing}`);
  }
  return "result";
}

export const parquetSuites: Suite[] = [
  {
    format: "Parquet",
    repository: "https://github.com/hyparam/hyparquet",
    commit: "f6f674a7b7219366041d529a86f997a2433171ec",
    *cases(folder) {
      for (const { path, name, bytes } of filesOf(folder, "test/files/*.parquet")) {
        const json = readText(path.replace(/parquet$/, "json"));
        const records = json === undefined ? undefined : (JSON.parse(json) as unknown[][]);
        yield {
          name,
          bytes,
          judge: (outcome) => (records === undefined ? judgeReadable(outcome) : judgeRows(outcome, records)),
        };
      }
    },
  },
  {
    format: "Parquet",
    repository: "https://github.com/apache/parquet-testing",
    commit: "1a2a75127be06fc0123f03ebd36c966f7beda27d",
    *cases(folder) {
      for (const { path, name, bytes } of filesOf(folder, "{data,bad_data}/**/*.parquet{,.encrypted}")) {
        const isBad = dirname(path).endsWith("bad_data") || /corrupt|malformed/.test(name);
        const csv = readText(join(dirname(path), name.replace(".parquet", "_expect.csv")));
        const records = csv === undefined ? undefined : csvRecords(csv);
        yield {
          name,
          bytes,
          judge(outcome) {
            if (isBad) return outcome.rows.length > 0 && outcome.refusal === undefined ? "result" : judgeInvalid(outcome);
            return records === undefined ? judgeReadable(outcome) : judgeRows(outcome, records);
          },
        };
      }
    },
  },
];

/** A file without an expected table: its rows, or that it has none, or binary columns alone. */
function judgeReadable(outcome: Outcome): Verdict {
  if (outcome.refusal !== undefined && isRightRefusal.test(outcome.refusal)) return "refusal";
  const problems = outcome.problems.filter(({ code }) => code !== "left_out");
  if (outcome.rows.length === 0 && outcome.refusal === undefined && problems.length === 0) return "refusal";
  return judgeValid({ ...outcome, problems });
}

/** The records of an expected table of numbers and quoted texts. */
const csvRecords = (csv: string): string[][] =>
  csv
    .trimEnd()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => Array.from(line.matchAll(/(?<=^|,)(?:"([^"]*)"|([^,]*))/g), ([, quoted, bare]) => quoted ?? bare ?? ""));
