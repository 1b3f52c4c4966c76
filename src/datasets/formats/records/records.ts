import { chatText, messagesOf } from "./chat-messages.ts";
import type { ParsedRow } from "../types.ts";

type JsonRecord = Record<string, unknown>;

/**
 * The alternative names of each column, best first. The comparison ignores case, spaces, dashes and underscores. A record
 * with all required columns of a kind is of that kind; the first matching kind wins.
 */
const names = {
  instruction: ["instruction", "instructions", "task"],
  input: ["input", "context"],
  output: ["output", "response", "answer", "completion", "target"],
  system: ["system", "systemprompt", "systemmessage"],
  question: ["question", "query"],
  answer: ["answer", "answers", "bestanswer", "correctanswer", "finalanswer", "response", "output"],
  context: ["context", "passage"],
  prompt: ["prompt", "user", "input"],
  response: ["response", "completion", "chosen", "output", "assistant", "reply", "answer"],
  rejected: ["rejected"],
  messages: ["messages", "conversations", "conversation", "dialogue"],
  text: ["text", "content", "body", "document", "article", "passage", "pagecontent", "chosen"],
} as const;

type Column = keyof typeof names;

/**
 * The rows of a record: one row, or one row per question of a SQuAD paragraph.
 *
 * - chat: `messages` of roles and contents. Text: `role: content`, a paragraph each.
 * - instruction: `instruction` and `output`, with `input` and `system`. Text: `Instruction: …`, `Input: …`, `Output: …`.
 * - question: `question` and `answer` (the first of several), with `answers` and `context`. Text: `Question: …`, `Answer: …`;
 *   the context stays a field, or questions on one paragraph would be near duplicates.
 * - prompt: `prompt` and `response`, with `rejected` and `system`. Text: `Prompt: …`, `Response: …`.
 * - text: `text`. Of columns with none of these names: `name: value`, a line each.
 */
export function* rowsOf(record: JsonRecord, source: string): Generator<ParsedRow> {
  const questions = squadQuestions(record);
  if (questions === undefined) yield rowOf(record, source);
  else for (const [index, each] of questions.entries()) yield rowOf(each, `${source}.${index + 1}`);
}

function rowOf(record: JsonRecord, source: string): ParsedRow {
  const columns = new Columns(record);
  const mapped = chat(columns) ?? instruction(columns) ?? question(columns) ?? prompt(columns) ?? text(columns);
  if (mapped === undefined) return { kind: "text", text: describe(record), fields: record, source, start: 0 };
  const others = columns.others();
  const fields = { ...mapped.fields, ...(Object.keys(others).length > 0 ? { metadata: others } : {}) };
  const isBare = Object.keys(fields).length === 0;
  return { kind: mapped.kind, text: mapped.text, fields: isBare ? null : fields, source, start: 0 };
}

type MappedRow = Pick<ParsedRow, "kind" | "text"> & { fields: JsonRecord };

/** The columns of a record by our names. Taken columns are not metadata. */
class Columns {
  readonly #record: JsonRecord;
  readonly #keys: Map<string, string>;
  readonly #taken = new Set<string>();

  constructor(record: JsonRecord) {
    this.#record = record;
    this.#keys = new Map(
      Object.keys(record)
        .map((key) => [key.toLowerCase().replaceAll(/[\s_-]/g, ""), key] as const)
        .toReversed(),
    );
  }

  #find(column: Column): string | undefined {
    const name = names[column].find((each) => this.#keys.has(each) && !this.#taken.has(this.#keys.get(each)!));
    return name === undefined ? undefined : this.#keys.get(name);
  }

  /** Whether the record has all of these columns under different names. */
  has(...columns: Column[]): boolean {
    const keys = columns.map((column) => this.#find(column));
    return !keys.includes(undefined) && new Set(keys).size === keys.length;
  }

  peek(column: Column): unknown {
    const key = this.#find(column);
    return key === undefined ? undefined : this.#record[key];
  }

  take(column: Column): unknown {
    const key = this.#find(column);
    if (key === undefined) return undefined;
    this.#taken.add(key);
    return this.#record[key];
  }

  /** Optional columns as text, under our names. */
  takeTexts(...columns: Column[]): Record<string, string> {
    const texts = columns.map((column) => [column, textOf(this.take(column))] as const);
    return Object.fromEntries(texts.filter(([, value]) => value !== ""));
  }

  others(): JsonRecord {
    return Object.fromEntries(Object.entries(this.#record).filter(([key, value]) => !this.#taken.has(key) && value !== null));
  }
}

function chat(columns: Columns): MappedRow | undefined {
  const preferred = columns.peek("response");
  const column =
    messagesOf(columns.peek("messages")) !== undefined ? "messages" : columns.has("prompt") ? undefined : "response";
  const messages = column === undefined ? undefined : messagesOf(column === "messages" ? columns.peek("messages") : preferred);
  if (messages === undefined) return undefined;
  columns.take(column!);
  const { system } = columns.takeTexts("system");
  const all = system === undefined ? messages : [{ role: "system" as const, content: system }, ...messages];
  return { kind: "chat", text: chatText(all), fields: { messages: all } };
}

function instruction(columns: Columns): MappedRow | undefined {
  if (!columns.has("instruction", "output")) return undefined;
  const fields = {
    instruction: textOf(columns.take("instruction")),
    ...columns.takeTexts("input"),
    output: textOf(columns.take("output")),
    ...columns.takeTexts("system"),
  };
  return { kind: "instruction", text: labelled(fields, "instruction", "input", "output"), fields };
}

function question(columns: Columns): MappedRow | undefined {
  if (!columns.has("question", "answer")) return undefined;
  const asked = textOf(columns.take("question"));
  const answers = answersOf(columns.take("answer"));
  const fields = {
    question: asked,
    answer: answers[0] ?? "",
    ...(answers.length > 1 ? { answers } : {}),
    ...columns.takeTexts("context"),
  };
  return { kind: "question", text: labelled(fields, "question", "answer"), fields };
}

function prompt(columns: Columns): MappedRow | undefined {
  if (!columns.has("prompt", "response")) return undefined;
  const fields = {
    prompt: textOf(columns.take("prompt")),
    response: textOf(columns.take("response")),
    ...columns.takeTexts("rejected", "system"),
  };
  return { kind: "prompt", text: labelled(fields, "prompt", "response"), fields };
}

function text(columns: Columns): MappedRow | undefined {
  if (typeof columns.peek("text") !== "string") return undefined;
  return { kind: "text", text: textOf(columns.take("text")), fields: {} };
}

/** `Question: …`: one line for each present field. */
function labelled(fields: Record<string, string | string[]>, ...labels: string[]): string {
  const present = labels.filter((label) => (fields[label] ?? "") !== "");
  return present.map((label) => `${label[0]!.toUpperCase()}${label.slice(1)}: ${String(fields[label])}`).join("\n");
}

function describe(record: JsonRecord): string {
  const lines = Object.entries(record).map(([key, value]) => [key.trim(), textOf(value)] as const);
  return lines
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `${key}: ${value}`)
    .join("\n");
}

/** A value as text. A conversation gives its last answer; other objects give their JSON. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value.trim();
  const messages = messagesOf(value);
  if (messages !== undefined) return messages.at(-1)?.content ?? "";
  return JSON.stringify(value);
}

/** The answers in any shape: a text, several texts, `{text: […]}` as in SQuAD, or `[{text}, …]`. */
function answersOf(value: unknown): string[] {
  if (Array.isArray(value)) return distinct(value.flatMap(answersOf));
  if (isRecord(value) && "text" in value) return answersOf(value["text"]);
  return distinct([textOf(value)]);
}

function distinct(texts: string[]): string[] {
  return [...new Set(texts.filter((each) => each !== ""))];
}

/** The questions of an article or a paragraph in the SQuAD format. */
function squadQuestions(record: JsonRecord): JsonRecord[] | undefined {
  const title = typeof record["title"] === "string" ? { title: record["title"] } : {};
  if (Array.isArray(record["paragraphs"])) {
    const found = record["paragraphs"].filter(isRecord).map(squadQuestions);
    return found.includes(undefined) ? undefined : found.flatMap((each) => each!.map((asked) => ({ ...asked, ...title })));
  }
  if (!Array.isArray(record["qas"]) || typeof record["context"] !== "string") return undefined;
  const { context } = record;
  return record["qas"].filter(isRecord).map(({ question: asked, answers, is_impossible: isImpossible }) => ({
    question: asked,
    answers: answers ?? [],
    context,
    ...(isImpossible === true ? { is_impossible: true } : {}),
    ...title,
  }));
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
