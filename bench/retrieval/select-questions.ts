import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { publicSets } from "./sets/public-sets.ts";
import type { SetQuestion } from "./sets/types.ts";

/**
 * Selects the questions of both splits from the sets in a folder, by a hash, and writes them. Both splits have the same numbers, and no
 * document answers questions of both. Usage: node bench/retrieval/select-questions.ts <folder>
 */

/**
 * Of sets in which nearly every question found its passage before, only questions without an answer are taken: `clapnq` (1.00 of the
 * development split among the first ten) and `omos-en` (0.98).
 */

/** The number of questions of each kind in each split: with an answer, without one, and with an answer in a document that is left out. */
const counts: Record<string, { answerable: number; unanswerable: number; heldOut: number }> = {
  clapnq: { answerable: 0, unanswerable: 10, heldOut: 10 },
  "covid-qa": { answerable: 40, unanswerable: 0, heldOut: 10 },
  cranfield: { answerable: 30, unanswerable: 0, heldOut: 0 },
  medquad: { answerable: 40, unanswerable: 0, heldOut: 10 },
  "omos-de": { answerable: 50, unanswerable: 0, heldOut: 0 },
  "xquad-de": { answerable: 30, unanswerable: 0, heldOut: 0 },
  jaquad: { answerable: 40, unanswerable: 0, heldOut: 0 },
  jsquad: { answerable: 40, unanswerable: 0, heldOut: 0 },
};

const none = { answerable: 0, unanswerable: 0, heldOut: 0 };

const { positionals } = parseArgs({ allowPositionals: true });
const splits: Record<"dev" | "test", Record<string, SetQuestion[]>> = { dev: {}, test: {} };
for (const { name, repository, read } of publicSets) {
  const { questions } = await read(join(positionals[0]!, repository));
  const { answerable, unanswerable, heldOut } = counts[name] ?? none;
  const hash = (text: string) => createHash("sha256").update(`${name} ${text}`).digest("hex");
  const ordered = questions.toSorted((a, b) => (hash(a.id) < hash(b.id) ? -1 : 1));
  const isTest = (question: SetQuestion) => hash(question.targets[0]?.document ?? question.id) < "8";
  for (const split of ["dev", "test"] as const) {
    const own = ordered.filter((question) => isTest(question) === (split === "test"));
    const withAnswer = own.filter(({ targets }) => targets.some(({ spans }) => spans.length > 0));
    // At most two questions of a document, so that no document decides the result.
    const chosen: SetQuestion[] = [];
    const perDocument = new Map<string, number>();
    const heldOutDocuments = new Set<string>();
    for (const question of withAnswer) {
      const { document } = question.targets[0]!;
      const used = perDocument.get(document) ?? 0;
      if (heldOutDocuments.has(document) || used >= 2 || chosen.length === answerable + heldOut) continue;
      if (chosen.length < heldOut) {
        if (used > 0) continue;
        heldOutDocuments.add(document);
        chosen.push({ ...question, targets: [], held_out: document });
      } else chosen.push(question);
      perDocument.set(document, used + 1);
    }
    const without = own.filter(({ targets }) => targets.length === 0).slice(0, unanswerable);
    if (chosen.length < answerable + heldOut || without.length < unanswerable)
      console.warn(`${name}: the ${split} split is short.`);
    splits[split][name] = [...chosen.slice(heldOut), ...chosen.slice(0, heldOut), ...without];
  }
}
for (const [split, questions] of Object.entries(splits)) {
  const lines = Object.entries(questions).flatMap(([set, own]) => own.map((question) => JSON.stringify({ set, ...question })));
  await writeFile(join(import.meta.dirname, `questions/${split}.jsonl`), `${lines.join("\n")}\n`);
}
