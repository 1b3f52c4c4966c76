import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SetContent, SetDocument, SetQuestion } from "./types.ts";

/** The maximum number of documents that answer a question, so that ten passages can show all of them. */
const maxTargets = 3;

/** Reads the Cranfield collection: abstracts about aerodynamics, and questions of engineers. The most relevant abstracts count. */
export async function readCranfield(folder: string, [path]: readonly string[]): Promise<SetContent> {
  const names = await readdir(join(folder, path!, "documents"));
  const documents = await Promise.all(
    names.map(async (name): Promise<SetDocument> => ({
      name,
      text: await readFile(join(folder, path!, "documents", name), "utf8"),
    })),
  );
  const lengths = new Map(documents.map(({ name, text }) => [name, text.length]));
  const lines = async (file: string) => (await readFile(join(folder, path!, "files", file), "utf8")).trim().split("\n");
  const judged = new Map<string, { document: string; grade: number }[]>();
  for (const [id, , document, grade] of (await lines("qrels.txt")).map((line) => line.trim().split(/\s+/))) {
    judged.set(id!, [...(judged.get(id!) ?? []), { document: document!, grade: Number(grade) }]);
  }
  const questions = (await lines("queries.txt")).flatMap((line): SetQuestion[] => {
    const [, id, question] = /^(\d+)\s+(.*)$/.exec(line.trim())!;
    const all = judged.get(id!) ?? [];
    // Grade 1 is a complete answer; documents of −1 are of no interest.
    const best = Math.min(...all.map(({ grade }) => grade).filter((grade) => grade > 0));
    const relevant = all.filter(({ grade }) => grade === best);
    const targets = relevant.map(({ document }) => ({ document, spans: [[0, lengths.get(document)!] as const] }));
    return targets.length === 0 || targets.length > maxTargets ? [] : [{ id: id!, question: question!, targets }];
  });
  return { documents, questions };
}
