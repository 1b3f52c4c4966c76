import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SetContent, SetQuestion, Span } from "./types.ts";

type Line = { id: number; question: string; answers: number[]; context: string; language: string; pageId: number };

/**
 * Reads OMoS-QA (https://aclanthology.org/2024.konvens-main.25/): pages of German towns for people who have just arrived, and the lines
 * that answer a question, or none.
 */
export async function readOmos(folder: string, [file]: readonly string[], language: string): Promise<SetContent> {
  const lines = (await readFile(join(folder, file!), "utf8")).trim().split("\n");
  const documents = new Map<string, string>();
  const questions: SetQuestion[] = [];
  for (const line of lines.map((text) => JSON.parse(text) as Line)) {
    if (line.language !== language) continue;
    const { id, question, answers, context, pageId } = line;
    // Some pages were read twice, at different times.
    const document = `page ${pageId} of ${context.length}`;
    documents.set(document, context);
    const spans = answers.map((index): Span => {
      const before = context.split("\n").slice(0, index);
      const start = before.reduce((sum, each) => sum + each.length + 1, 0);
      return [start, start + context.split("\n")[index]!.length];
    });
    questions.push({ id: String(id), question, targets: spans.length === 0 ? [] : [{ document, spans }] });
  }
  return { documents: Array.from(documents, ([name, text]) => ({ name, text })), questions };
}
