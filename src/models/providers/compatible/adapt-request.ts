import type { Quirks } from "../../constants.ts";
import { isObject, type JsonObject } from "./repair-reply.ts";

/** The parameters that are left out for a server that refuses them. Of two that exclude each other, the first is left out. */
export const optionalParameters = ["stream_options", "top_p", "temperature", "tool_choice", "encoding_format"] as const;

/** The parameters that are left out for a server that has no tools. */
const toolParameters = ["tools", "tool_choice", "parallel_tool_calls"] as const;

/** Adapts the body of a request to a server with these quirks, in place. */
export function adaptRequest(body: JsonObject, quirks: Quirks): void {
  for (const name of optionalParameters) if (quirks[name] === false) delete body[name];
  if (quirks.tools === false) for (const name of toolParameters) delete body[name];
  renameLimit(body, quirks.max_tokens_name);
  if (quirks.stream === false && body["stream"] === true) {
    body["stream"] = false;
    delete body["stream_options"];
  }
  if (!Array.isArray(body["messages"])) return;
  const messages = body["messages"].filter(isObject);
  if (quirks.string_content === true) for (const message of messages) message["content"] = joinTexts(message["content"]);
  for (const message of messages) adaptReasoning(message, quirks.reasoning_content === true);
  body["messages"] = quirks.system_role === false ? withoutSystem(messages) : messages;
}

const limitNames = ["max_tokens", "max_completion_tokens"] as const;

/** The limit of an answer that a request has. */
export const limitOf = (body: JsonObject): (typeof limitNames)[number] | undefined => limitNames.find((name) => name in body);

function renameLimit(body: JsonObject, wanted: Quirks["max_tokens_name"]): void {
  const name = limitOf(body);
  if (name === undefined || wanted === undefined || wanted === name) return;
  if (wanted !== "none") body[wanted] = body[name];
  delete body[name];
}

/** Joins content that consists of texts alone. */
function joinTexts(content: unknown): unknown {
  if (!Array.isArray(content) || content.length === 0) return content;
  const texts = content.map((part) => (isObject(part) && part["type"] === "text" ? part["text"] : undefined));
  return texts.every((text) => typeof text === "string") ? texts.join("\n\n") : content;
}

/** Whether a message has content that could be one string. */
export const hasTextParts = ({ content }: JsonObject): boolean => joinTexts(content) !== content;

/** Sends reasoning back only with tool calls, and only to a server that requires it. Reasoning that is not known any more is blank. */
function adaptReasoning(message: JsonObject, isRequired: boolean): void {
  if (message["role"] !== "assistant") return;
  if (!isRequired || message["tool_calls"] === undefined) delete message["reasoning_content"];
  else message["reasoning_content"] ||= " ";
}

/** Moves the text of system messages to the start of the first message of the user. */
function withoutSystem(messages: readonly JsonObject[]): JsonObject[] {
  const isSystem = ({ role }: JsonObject) => role === "system" || role === "developer";
  const instructions = messages.filter(isSystem).map(({ content }) => joinTexts(content));
  const others = messages.filter((message) => !isSystem(message));
  if (instructions.length === 0) return others;
  const text = instructions.join("\n\n");
  const first = others.find(({ role }) => role === "user");
  if (first === undefined || others[0] !== first) return [{ role: "user", content: text }, ...others];
  const content = first["content"];
  first["content"] = Array.isArray(content) ? [{ type: "text", text }, ...content] : `${text}\n\n${String(content)}`;
  return others;
}
