import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SetContent, SetDocument, SetQuestion, Span } from "./types.ts";

/** The format of SQuAD (https://arxiv.org/abs/1606.05250), which many sets share. */
type SquadFile = {
  data: {
    title?: string;
    paragraphs: {
      context: string;
      document_id?: number;
      qas: { id: string | number; question: string; answers: { text: string; answer_start: number }[] }[];
    }[];
  }[];
};

/** Reads articles of paragraphs, each article as one document. Each answer is a span of its paragraph. */
export async function readSquad(folder: string, files: readonly string[]): Promise<SetContent> {
  const documents: SetDocument[] = [];
  const questions: SetQuestion[] = [];
  for (const file of files) {
    const { data } = JSON.parse(await readFile(join(folder, file), "utf8")) as SquadFile;
    for (const { title, paragraphs } of data) {
      const name = title ?? `document ${paragraphs[0]!.document_id ?? documents.length + 1}`;
      let text = title === undefined ? "" : `${title.replaceAll("_", " ")}\n\n`;
      for (const { context, qas } of paragraphs) {
        const at = text.length;
        text += `${context}\n\n`;
        for (const { id, question, answers } of qas) {
          const spans = answers.map(({ text: answer, answer_start }): Span => [
            at + answer_start,
            at + answer_start + answer.length,
          ]);
          questions.push({ id: String(id), question: question.trim(), targets: [{ document: name, spans }] });
        }
      }
      documents.push({ name, text });
    }
  }
  return { documents, questions };
}
