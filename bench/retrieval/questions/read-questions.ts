import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SetQuestion } from "../sets/types.ts";

/** The development split is for tuning, the test split for reports. */
export const splits = ["dev", "test"] as const;
export type Split = (typeof splits)[number];

/** Reads the questions of a split, by the name of their set: those of the sets, and those that were written for sets without questions. */
export async function readQuestions(split: Split): Promise<Map<string, SetQuestion[]>> {
  const files = await Promise.all(
    [`${split}.jsonl`, `written-${split}.jsonl`].map((file) => readFile(join(import.meta.dirname, file), "utf8")),
  );
  const lines = files.flatMap((file) => file.trim().split("\n"));
  return Map.groupBy(
    lines.map((line) => JSON.parse(line) as SetQuestion & { set: string }),
    ({ set }) => set,
  );
}
