import { isRecord, type JsonRecord } from "./columns.ts";

/** The questions of an article or a paragraph in the SQuAD format, each with the other keys of its paragraph and its article. */
export function squadQuestions(record: JsonRecord): JsonRecord[] | undefined {
  const { paragraphs, qas, ...about } = record;
  if (Array.isArray(paragraphs)) {
    if (!paragraphs.every(isRecord)) return undefined;
    const found = paragraphs.map(squadQuestions);
    return found.includes(undefined) ? undefined : found.flatMap((each) => each!.map((asked) => ({ ...about, ...asked })));
  }
  if (!Array.isArray(qas) || typeof record["context"] !== "string" || !qas.every(isRecord)) return undefined;
  return qas.map(({ is_impossible: isImpossible, ...asked }) => ({
    ...about,
    ...asked,
    answers: asked["answers"] ?? [],
    ...(isImpossible === true ? { is_impossible: true } : {}),
  }));
}
