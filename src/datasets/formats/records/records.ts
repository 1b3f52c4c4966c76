import { chatText, dialogueOf, messagesOf, type ChatMessage } from "./chat-messages.ts";
import { Columns, isRecord, isReducedToText, textOf, type JsonRecord } from "./columns.ts";
import { squadQuestions } from "./squad.ts";
import type { ParsedRow } from "../types.ts";

/**
 * The rows of a record: one row, or one row per question of a SQuAD paragraph. What has no place in a row is in its `metadata`.
 *
 * - chat: `messages` of roles and contents, or a prompt, an answer and a rejected one that are conversations. Text: `role: content`, a paragraph
 *   each, with the tool calls.
 * - instruction: `instruction` and `output`, with `input`, `system` and `rejected`. Text: `Instruction: …`, `Input: …`, `Output: …`.
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

function chat(columns: Columns): MappedRow | undefined {
  const messages = conversationOf(columns);
  if (messages === undefined) return undefined;
  const system = columns.takeText("system");
  const all = system === "" ? messages : [{ role: "system", content: system }, ...messages];
  const rejected = columns.take("rejected");
  const fields = { messages: all, ...(isPresent(rejected) ? { rejected: dialogueOf(rejected) ?? textOf(rejected) } : {}) };
  return { kind: "chat", text: chatText(all), fields };
}

const isPresent = (value: unknown): boolean => value !== null && value !== undefined && value !== "";

const isAnswer = (messages: readonly ChatMessage[] | undefined): messages is ChatMessage[] =>
  messages !== undefined && messages.every(({ role }) => role !== "user");

/** Takes the conversation of a record: its messages with the chosen answer, or its prompt with its answer if one of both is a conversation. */
function conversationOf(columns: Columns): ChatMessage[] | undefined {
  const messages = messagesOf(columns.peek("messages"));
  if (messages !== undefined) {
    columns.take("messages");
    const chosen = dialogueOf(columns.peek("chosen"));
    return isAnswer(chosen) && columns.take("chosen") !== undefined ? [...messages, ...chosen] : messages;
  }
  const answer = columns.peek("response");
  const answered = dialogueOf(answer);
  const asked = columns.has("prompt", "response") ? columns.peek("prompt") : undefined;
  const askedMessages = messagesOf(asked);
  if (askedMessages !== undefined) {
    columns.take("prompt");
    columns.take("response");
    return [...askedMessages, ...(answered ?? [{ role: "assistant", content: textOf(answer) }])];
  }
  if (answered === undefined || (typeof asked === "string" && isOneAnswer(answered, asked.trim()))) return undefined;
  if (asked === undefined && isAnswer(answered)) return undefined;
  columns.take("response");
  if (!isAnswer(answered)) return answered;
  return [{ role: "user", content: columns.takeText("prompt") }, ...answered];
}

/** Whether a conversation is no more than an answer to this prompt. */
const isOneAnswer = (messages: readonly ChatMessage[], asked: string): boolean =>
  messages.at(-1)?.role === "assistant" &&
  messages.every((message) => Object.keys(message).length === 2) &&
  messages.slice(0, -1).every(({ role, content }) => role === "user" && content === asked);

function instruction(columns: Columns): MappedRow | undefined {
  if (!columns.has("instruction", "output")) return undefined;
  const fields = {
    instruction: columns.takeText("instruction"),
    ...columns.takeTexts(["input"]),
    output: columns.takeText("output"),
    ...columns.takeTexts(["system", "rejected"]),
  };
  return { kind: "instruction", text: labelled(fields, "instruction", "input", "output"), fields };
}

function question(columns: Columns): MappedRow | undefined {
  if (!columns.has("question", "answer")) return undefined;
  const asked = columns.takeText("question");
  const answers = answersOf(columns.take("answer", (value) => hasMoreThanAnswers(value) || isReducedToText(value, [asked])));
  const fields = {
    question: asked,
    answer: answers[0] ?? "",
    ...(answers.length > 1 ? { answers } : {}),
    ...columns.takeTexts(["context", "system", "rejected"], [asked]),
  };
  return { kind: "question", text: labelled(fields, "question", "answer"), fields };
}

function prompt(columns: Columns): MappedRow | undefined {
  if (!columns.has("prompt", "response")) return undefined;
  const asked = columns.takeText("prompt");
  const fields = {
    prompt: asked,
    response: columns.takeText("response", [asked]),
    ...columns.takeTexts(["rejected", "system"], [asked]),
  };
  return { kind: "prompt", text: labelled(fields, "prompt", "response"), fields };
}

function text(columns: Columns): MappedRow | undefined {
  if (typeof columns.peek("text") !== "string") return undefined;
  return { kind: "text", text: columns.takeText("text"), fields: {} };
}

/** `Question: …`: one line for each present field. */
function labelled(fields: Record<string, string | string[]>, ...labels: string[]): string {
  const present = labels.filter((label) => (fields[label] ?? "") !== "");
  return present.map((label) => `${label[0]!.toUpperCase()}${label.slice(1)}: ${String(fields[label])}`).join("\n");
}

function describe(record: JsonRecord): string {
  const lines = Object.entries(record).map(([key, value]) => [key.trim(), describeValue(value)] as const);
  return lines
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `${key}: ${value}`)
    .join("\n");
}

function describeValue(value: unknown): string {
  const messages = typeof value === "string" ? undefined : messagesOf(value);
  return messages === undefined ? textOf(value) : chatText(messages);
}

/** The answers in any shape: a text, several texts, `{text: […]}` as in SQuAD, `[{text}, …]`, or a conversation. */
function answersOf(value: unknown): string[] {
  if (messagesOf(value) !== undefined) return distinct([textOf(value)]);
  if (Array.isArray(value)) return distinct(value.flatMap(answersOf));
  if (isRecord(value) && "text" in value) return answersOf(value["text"]);
  return distinct([textOf(value)]);
}

/** Whether a value has more than distinct answers, such as their positions. */
function hasMoreThanAnswers(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasMoreThanAnswers);
  return isRecord(value) && Object.keys(value).some((key) => key !== "text") && "text" in value;
}

function distinct(texts: string[]): string[] {
  return [...new Set(texts.filter((each) => each !== ""))];
}
