import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Outcome } from "./read-document.ts";

/** What is right: the result is right, the refusal is right, or else what is wrong. */
export type Verdict = "result" | "refusal" | { wrong: string };

/** A file of a suite, and how its outcome is judged. */
export type Case = { name: string; bytes: Uint8Array; judge(outcome: Outcome): Verdict };

/** A public test suite: its repository at a commit, and the files of one format. */
export type Suite = {
  format: string;
  repository: string;
  commit: string;
  cases(folder: string): Iterable<Case>;
};

/** The folder of a suite inside the folder of all suites. */
export const folderOf = ({ repository }: Suite): string => basename(repository);

/** The files of a suite that match, in alphabetical order. */
export function filesOf(folder: string, pattern: string): { path: string; name: string; bytes: Uint8Array }[] {
  const paths = globSync(pattern, { cwd: folder }).toSorted();
  return paths.map((path) => ({ path: join(folder, path), name: basename(path), bytes: readFileSync(join(folder, path)) }));
}

export const readText = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, "utf8") : undefined);

export const wrong = (reason: string): Verdict => ({ wrong: reason });

/** A file that must be refused, or read with problems. */
export const judgeInvalid = ({ refusal, problems }: Outcome): Verdict =>
  refusal !== undefined || problems.length > 0 ? "refusal" : wrong("was read without a problem");

/** A file that must be read without a problem. */
export function judgeValid({ refusal, problems, rows }: Outcome): Verdict {
  if (refusal !== undefined) return wrong(`refused: ${refusal}`);
  if (problems[0] !== undefined) return wrong(`problem: ${problems[0].message}`);
  return rows.length > 0 ? "result" : wrong("has no rows");
}

/** The words of `expected` that are not in `words`. */
export function missingWords(expected: readonly string[], words: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return expected.filter((word) => {
    const left = counts.get(word) ?? 0;
    counts.set(word, left - 1);
    return left <= 0;
  });
}
