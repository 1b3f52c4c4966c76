import { maxRecordLength } from "../../constants.ts";
import { parseExactJson } from "../../../kit/exact-json.ts";
import { excessOf } from "../json-bounds.ts";

/** A message of a conversation. What is not its role or its text (`name`, `tool_calls`, parts that are not text) keeps its key. */
export type ChatMessage = { role: string; content: string } & Record<string, unknown>;

type JsonRecord = Record<string, unknown>;

const namesByRole = {
  user: "user human prompter customer usr",
  assistant: "assistant gpt bot model chatgpt chatbot bing bard ai agent llm functioncall toolcall toolcalls tooluse",
  system: "system developer systemprompt systeminstruction",
  tool: "tool function observation functionresponse functionresult functionoutput toolresponse toolresult tooloutput ipython",
};

/** Our roles by the role names of other formats, in lower case and without spaces, dashes and underscores. */
const roles = new Map(
  Object.entries(namesByRole).flatMap(([role, names]) => names.split(" ").map((name) => [name, role] as const)),
);

const roleKeys = ["role", "from", "speaker", "author", "sender"];
const contentKeys = ["content", "value", "text", "parts"];

/**
 * The messages of a conversation as OpenAI (`role`, `content`), ShareGPT (`from`, `value`), Anthropic (`content` of parts) or Gemini (`role`,
 * `parts`) writes them, also as JSON text. Unknown roles stay unchanged.
 */
export function messagesOf(value: unknown): ChatMessage[] | undefined {
  const list = typeof value === "string" ? listOf(value) : value;
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const messages = list.map(messageOf);
  return messages.includes(undefined) ? undefined : (messages as ChatMessage[]);
}

/** A list in a text, as a cell of a table has it. */
function listOf(text: string): unknown {
  if (!/^\s*\[\s*\{/.test(text) || text.length > maxRecordLength) return undefined;
  if (excessOf(text).excess !== undefined) return undefined;
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

/** Messages as `messagesOf`, or a single one, or a text with `Human:` and `Assistant:` before its paragraphs. */
export function dialogueOf(value: unknown): ChatMessage[] | undefined {
  if (isObject(value)) return messagesOf([value]);
  if (typeof value === "string" && /^\s*Human:/.test(value)) return paragraphsOf(value);
  return messagesOf(value);
}

function paragraphsOf(text: string): ChatMessage[] {
  const paragraphs = text.trim().split(/\n\n(?=(?:Human|Assistant):)/);
  return paragraphs.map((paragraph) => ({
    role: paragraph.startsWith("Human:") ? "user" : "assistant",
    content: paragraph.slice(paragraph.indexOf(":") + 1).trim(),
  }));
}

function messageOf(value: unknown): ChatMessage | undefined {
  if (!isObject(value)) return undefined;
  const roleKey = roleKeys.find((key) => nameOf(value[key]) !== undefined);
  const contentKey =
    contentKeys.find((key) => value[key] !== undefined && value[key] !== null) ?? contentKeys.find((key) => key in value);
  const isGemini = roleKey === undefined && contentKey === "parts";
  if ((roleKey === undefined && !isGemini) || (contentKey === undefined && callsOf(value).length === 0)) return undefined;
  const name = roleKey === undefined ? "user" : nameOf(value[roleKey])!;
  const raw = contentKey === undefined ? "" : value[contentKey];
  const parts = otherParts(raw);
  const rest = Object.entries(value).filter(([key, each]) => key !== roleKey && key !== contentKey && each !== null);
  const content = contentOf(raw);
  const kept = parts.length > 0 ? { parts: [...parts, ...arrayOf(contentKey === "parts" ? [] : value["parts"])] } : {};
  return { ...Object.fromEntries(rest), ...kept, role: roleOf(name), content };
}

/** The name of a role: a text, or the `role` of an author. */
function nameOf(value: unknown): string | undefined {
  const name = isObject(value) ? value["role"] : value;
  return typeof name === "string" ? name : undefined;
}

const roleOf = (name: string): string => roles.get(name.toLowerCase().replaceAll(/[\s_-]/g, "")) ?? name;

/** The text of a content: a text, its parts joined, or JSON for what is neither. */
export function contentOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value.trim();
  if (Array.isArray(value)) {
    const texts = value.map((part) => partText(part) ?? "");
    return texts.filter((text) => text !== "").join("\n");
  }
  return partText(value) ?? JSON.stringify(value);
}

/** The text of a part; undefined for a part that is not text, such as an image. */
function partText(part: unknown): string | undefined {
  if (typeof part === "string") return part.trim();
  if (!isObject(part)) return part === null ? "" : JSON.stringify(part);
  const response = part["functionResponse"] ?? part["function_response"];
  if (isObject(response)) return JSON.stringify(response);
  for (const key of ["text", "value", "content", "parts"]) {
    const inner = part[key];
    if (typeof inner === "string" || Array.isArray(inner) || isObject(inner)) return contentOf(inner);
  }
  return undefined;
}

/** The parts of a content that have more than text: images, tool calls, results. */
function otherParts(content: unknown): JsonRecord[] {
  const parts = isObject(content) && Array.isArray(content["parts"]) ? content["parts"] : content;
  return arrayOf(parts)
    .filter(isObject)
    .filter((part) => {
      const keys = Object.keys(part).filter((key) => part[key] !== null && key !== "type" && key !== "index");
      return keys.length !== 1 || partText(part) === undefined;
    });
}

/** The tool calls of a message as text, `name(arguments)`, in any of their shapes. */
function callsOf(message: JsonRecord): string[] {
  const parts = arrayOf(message["parts"])
    .filter(isObject)
    .map((part) => part["functionCall"] ?? part["function_call"] ?? (part["type"] === "tool_use" ? part : undefined));
  return [...arrayOf(message["tool_calls"]), message["function_call"], ...parts].filter(isObject).map(callText);
}

function callText(call: JsonRecord): string {
  const made = isObject(call["function"]) ? call["function"] : call;
  const given = made["arguments"] ?? made["args"] ?? made["input"] ?? {};
  const name = typeof made["name"] === "string" ? made["name"] : "";
  return `${name}(${typeof given === "string" ? given : JSON.stringify(given)})`;
}

/** The text of a message: its content, and a line for each tool call. */
const messageText = (message: ChatMessage): string =>
  [message.content, ...callsOf(message)].filter((text) => text !== "").join("\n");

export function chatText(messages: readonly ChatMessage[]): string {
  return messages
    .map((message) => [message.role, messageText(message)])
    .filter(([, text]) => text !== "")
    .map(([role, text]) => `${role}: ${text}`)
    .join("\n\n");
}

/** Whether a conversation has a user message, an answer or a tool call, and only known roles. */
export function isWholeChat(messages: readonly ChatMessage[]): boolean {
  const spoken = new Set(messages.filter((message) => messageText(message) !== "").map(({ role }) => role));
  return spoken.has("user") && spoken.has("assistant") && messages.every(({ role }) => Object.hasOwn(namesByRole, role));
}

const arrayOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

function isObject(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
