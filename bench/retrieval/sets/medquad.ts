import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument, DomUtils } from "htmlparser2";
import type { SetContent, SetDocument, SetQuestion } from "./types.ts";

/** Reads MedQuAD (https://arxiv.org/abs/1901.08079): pages of health services without the questions that each section answers. */
export async function readMedquad(folder: string, folders: readonly string[]): Promise<SetContent> {
  const documents: SetDocument[] = [];
  const questions: SetQuestion[] = [];
  for (const path of folders) {
    for (const file of (await readdir(join(folder, path))).toSorted()) {
      const xml = parseDocument(await readFile(join(folder, path, file), "utf8"), { xmlMode: true });
      const textOf = (name: string, from = xml.children) =>
        DomUtils.getElementsByTagName(name, from).map((element) =>
          DomUtils.textContent(element)
            .replace(/[^\S\n]+/g, " ")
            .trim(),
        );
      const name = `${path}/${file}`;
      let text = `${textOf("Focus")[0] ?? ""}\n\n`;
      for (const pair of DomUtils.getElementsByTagName("QAPair", xml.children)) {
        const [question, answer, id] = [
          textOf("Question", pair.children)[0],
          textOf("Answer", pair.children)[0],
          pair.attribs["pid"],
        ];
        if (question === undefined || answer === undefined || answer === "") continue;
        const span = [text.length, text.length + answer.length] as const;
        text += `${answer}\n\n`;
        questions.push({ id: `${name}#${id}`, question, targets: [{ document: name, spans: [span] }] });
      }
      documents.push({ name, text });
    }
  }
  return { documents, questions };
}
