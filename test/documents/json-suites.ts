import { leavesOf, type Outcome } from "./read-document.ts";
import { filesOf, judgeInvalid, wrong, type Case, type Suite, type Verdict } from "./suite.ts";

const jsonTestSuite = {
  repository: "https://github.com/nst/JSONTestSuite",
  commit: "1ef36fa01286573e846ac449e8683f8833c5b26a",
} as const;

/** Refusals and problems of valid JSON that has no records. */
const isNoRecord =
  /^(?:file: )?(?:must be an object or a string|is named \.json, but has no JSON array or object|is empty|contains only white space|has a key twice)/;

/** The JSON suite marks files that are valid (`y_`), invalid (`n_`), and left to the reader (`i_`). */
function judgeJson(name: string, bytes: Uint8Array): Case["judge"] {
  return (outcome) => {
    const fault = outcome.refusal ?? outcome.problems.find(({ message }) => !isNoRecord.test(message))?.message;
    if (name.startsWith("n_")) return judgeInvalid(outcome);
    if (fault !== undefined && !isNoRecord.test(fault)) return name.startsWith("y_") ? wrong(`refused: ${fault}`) : "refusal";
    if (name.startsWith("i_")) return "result";
    return outcome.rows.length === 0 ? judgeNothing(outcome, bytes) : judgeValues(outcome, bytes);
  };
}

/** A document without rows is refused, is a problem, or an empty array. */
function judgeNothing({ refusal, problems }: Outcome, bytes: Uint8Array): Verdict {
  if (refusal !== undefined || problems.length > 0) return "refusal";
  return /^\s*\[\s*\]\s*$/.test(Buffer.from(bytes).toString()) ? "result" : wrong("has no rows and no problem");
}

function judgeValues({ rows }: Outcome, bytes: Uint8Array): Verdict {
  const document: unknown = JSON.parse(Buffer.from(bytes).toString());
  const read = rows.flatMap(({ fields, text }) => [...leavesOf(fields), text]).join("\n");
  const missing = leavesOf(document).find((leaf) => !read.includes(visible(leaf)) && !Number.isFinite(Number(leaf)));
  return missing === undefined ? "result" : wrong(`lacks ${JSON.stringify(missing)}`);
}

const visible = (text: string): string => text.trim();

/** JSON files that parsers read differently: numbers beyond double precision must keep their digits. */
function judgeNumber(name: string): Case["judge"] {
  return (outcome) => {
    const digits = /^number_(-?\d{17,})\.json$/.exec(name)?.[1];
    if (outcome.refusal !== undefined || outcome.problems.length > 0) return "refusal";
    const read = outcome.rows.flatMap(({ fields, text }) => [...leavesOf(fields), text]).join("\n");
    return digits === undefined || read.includes(digits) ? "result" : wrong(`lacks ${digits}`);
  };
}

/** A value as the only member of an object, which a row can hold. */
const asMember = (bytes: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from('[{"value":'), Buffer.from(bytes), Buffer.from("}]")]);

export const jsonSuites: Suite[] = [
  {
    ...jsonTestSuite,
    format: "JSON",
    *cases(folder) {
      for (const { name, bytes } of filesOf(folder, "test_parsing/*.json"))
        yield { name, bytes, judge: judgeJson(name, bytes) };
      for (const { name, bytes } of filesOf(folder, "test_transform/number_*.json"))
        yield { name, bytes: asMember(bytes), judge: judgeNumber(name) };
    },
  },
  {
    ...jsonTestSuite,
    format: "JSON Lines",
    *cases(folder) {
      for (const { name, bytes } of filesOf(folder, "test_parsing/*.json")) {
        const isOneLine = !/[\r\n]/.test(Buffer.from(bytes).toString("latin1").trim());
        if (!isOneLine || name.startsWith("i_")) continue;
        const lines = Buffer.concat([
          Buffer.from('{"text":"first"}\n'),
          Buffer.from(bytes),
          Buffer.from('\n{"text":"last"}\n'),
        ]);
        yield { name: name.replace(/json$/, "jsonl"), bytes: lines, judge: (outcome) => judgeLine(name, outcome) };
      }
    },
  },
];

/** A line between two valid ones, which must both be read. */
function judgeLine(name: string, outcome: Outcome): Verdict {
  const texts = outcome.rows.map(({ text }) => text);
  if (texts[0] !== "first" || texts.at(-1) !== "last") return wrong(`lost another line: ${outcome.refusal ?? ""}`);
  const problem = outcome.problems[0]?.message;
  if (name.startsWith("n_"))
    return problem === undefined && !/^n_(?:single_space|structure_no_data|structure_UTF8_BOM_no_data)/.test(name)
      ? wrong("was read without a problem")
      : "refusal";
  if (problem === undefined) return "result";
  return isNoRecord.test(problem) ? "refusal" : wrong(`problem: ${problem}`);
}
