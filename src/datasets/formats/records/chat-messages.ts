export type ChatMessage = { role: string; content: string };

/** Our roles by the role names of other formats. */
const roles = new Map([
  ["human", "user"],
  ["user", "user"],
  ["prompter", "user"],
  ["gpt", "assistant"],
  ["bot", "assistant"],
  ["model", "assistant"],
  ["chatgpt", "assistant"],
  ["bing", "assistant"],
  ["assistant", "assistant"],
  ["system", "system"],
  ["developer", "system"],
  ["tool", "tool"],
  ["function", "tool"],
  ["observation", "tool"],
]);

/** The messages of a conversation as OpenAI (`role`, `content`) or ShareGPT (`from`, `value`) writes them. Unknown roles stay unchanged. */
export function messagesOf(value: unknown): ChatMessage[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const messages = value.map(messageOf);
  return messages.includes(undefined) ? undefined : (messages as ChatMessage[]);
}

function messageOf(value: unknown): ChatMessage | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { role, from, content, value: text } = value as Record<string, unknown>;
  const name = role ?? from;
  if (typeof name !== "string" || !("content" in value || "value" in value)) return undefined;
  return { role: roles.get(name.toLowerCase()) ?? name, content: contentOf(content ?? text) };
}

/** The content of a message: its text, or the text parts joined. */
function contentOf(value: unknown): string {
  if (typeof value === "string") return value.trim();
  if (!Array.isArray(value)) return "";
  const texts = value.map((part) => (typeof part === "string" ? part : (part as { text?: unknown } | null)?.text));
  return texts
    .filter((each) => typeof each === "string")
    .join("\n")
    .trim();
}

export function chatText(messages: readonly ChatMessage[]): string {
  return messages
    .filter(({ content }) => content !== "")
    .map(({ role, content }) => `${role}: ${content}`)
    .join("\n\n");
}

/** Whether a conversation has a user message, an answer, and only known roles. */
export function isWholeChat(messages: readonly ChatMessage[]): boolean {
  const spoken = new Set(messages.filter(({ content }) => content !== "").map(({ role }) => role));
  return spoken.has("user") && spoken.has("assistant") && messages.every(({ role }) => roles.has(role));
}
