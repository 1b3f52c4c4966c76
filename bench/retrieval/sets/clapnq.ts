import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SetContent, SetDocument, SetQuestion, Span } from "./types.ts";

type Line = {
  id: string;
  input: string;
  passages: { title: string; text: string }[];
  output: { selected_sentences: string[] }[];
};

/**
 * Reads CLAPnq (https://arxiv.org/abs/2404.02103): questions that people asked a search engine, and passages of Wikipedia in which
 * annotators selected the sentences that answer them, or found no answer.
 */
export async function readClapnq(folder: string, files: readonly string[]): Promise<SetContent> {
  const documents: SetDocument[] = [];
  const questions: SetQuestion[] = [];
  for (const file of files) {
    const lines = (await readFile(join(folder, file), "utf8")).trim().split("\n");
    for (const { id, input, passages, output } of lines.map((line) => JSON.parse(line) as Line)) {
      const [passage] = passages;
      if (passage === undefined) continue;
      const document = `${passage.title} ${id}`;
      const text = `${passage.title}\n\n${passage.text}`;
      const selected = new Set(output.flatMap(({ selected_sentences }) => selected_sentences));
      const spans = Array.from(selected).flatMap((sentence): Span[] => {
        const start = text.indexOf(sentence);
        return sentence === "" || start < 0 ? [] : [[start, start + sentence.length]];
      });
      documents.push({ name: document, text });
      questions.push({ id, question: input, targets: spans.length === 0 ? [] : [{ document, spans }] });
    }
  }
  return { documents, questions };
}
