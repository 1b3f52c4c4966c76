/**
 * `npm run test:documents -- <folder> [format…]`: imports every file of public test suites and prints how many end in a right result, in a
 * right refusal, or wrong. It is no part of the gate. The folder has a clone of each suite; without it the command prints how to
 * make them.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { documentSuites } from "./document-suites.ts";
import { jsonSuites } from "./json-suites.ts";
import { parquetSuites } from "./parquet-suites.ts";
import { readDocument } from "./read-document.ts";
import { folderOf, type Case, type Suite, type Verdict } from "./suite.ts";
import { tableSuites } from "./table-suites.ts";
import { textSuites } from "./text-suites.ts";

const suites: Suite[] = [...jsonSuites, ...tableSuites, ...parquetSuites, ...textSuites, ...documentSuites];

type Counts = { result: number; refusal: number; wrong: number };

const { positionals, values } = parseArgs({ allowPositionals: true, options: { quiet: { type: "boolean", default: false } } });
const [folder = process.env["DOCUMENT_SUITES"], ...formats] = positionals;

if (folder === undefined) {
  console.error("Usage: npm run test:documents -- <folder> [format…]. Make the folder with these commands:\n");
  for (const command of new Set(suites.map(cloneCommand))) console.error(command);
  process.exitCode = 2;
} else await runSuites(folder);

function cloneCommand(suite: Suite): string {
  const name = folderOf(suite);
  return `git clone --filter=blob:none --no-checkout ${suite.repository} ${name} && git -C ${name} checkout ${suite.commit}`;
}

async function runSuites(root: string): Promise<void> {
  const table: Record<string, Counts> = {};
  for (const suite of suites) {
    if (formats.length > 0 && !formats.some((format) => format.toLowerCase() === suite.format.toLowerCase())) continue;
    const clone = join(root, folderOf(suite));
    if (!existsSync(clone)) {
      console.error(`${clone} does not exist. Run: ${cloneCommand(suite)}`);
      process.exitCode = 1;
      continue;
    }
    table[`${suite.format}: ${folderOf(suite)}`] = await runSuite(suite, clone);
  }
  console.table(table);
  if (Object.values(table).some(({ wrong }) => wrong > 0)) process.exitCode = 1;
}

async function runSuite(suite: Suite, clone: string): Promise<Counts> {
  const counts = { result: 0, refusal: 0, wrong: 0 };
  for (const each of suite.cases(clone)) {
    const verdict = await verdictOf(each);
    counts[typeof verdict === "string" ? verdict : "wrong"]++;
    if (typeof verdict !== "string" && !values.quiet) console.log(`${suite.format}  ${each.name}: ${verdict.wrong}`);
  }
  return counts;
}

async function verdictOf({ name, bytes, judge }: Case): Promise<Verdict> {
  const outcome = await readDocument(bytes, name);
  return outcome.crash === undefined ? judge(outcome) : { wrong: `crash: ${outcome.crash}` };
}
