/** A front end of the AI SDK (`useChat`): initial messages, send, edit, regenerate, stop, files, retry, and resume after a reload. */
import type { UIMessage } from "ai";
import { ArrayChat } from "./array-chat.ts";
import { conversationTransport } from "./chat-transport.ts";
import { api, connectModel, createGuide, printMessage, register, startConversation, step, type Message } from "./support.ts";

const user = await register();
// The built-in model answers at once. With a slower model (MODEL_URL, see own-model.ts), there is time to stop and resume.
const guide = await createGuide(user, process.env.MODEL_URL ? (await connectModel(user)).id : undefined);
const conversationId = await startConversation(user, guide);
const path = `/api/v2/conversations/${conversationId}`;

// ── What a front end needs ───────────────────────────────────────────────────

/** In React: `useChat({ id, messages, transport, resume: true })` with this transport and these messages. */
const transport = conversationTransport(`${api}/api/v2/conversations`, user.authorization);

/** The messages of the conversation as the server has them. Their ids are the ones that an edit needs. */
async function loadMessages(): Promise<UIMessage[]> {
  const { messages } = await user.get<{ messages: Message[] }>(`${path}/messages`);
  return messages
    .filter(({ status }) => status !== "streaming")
    .map(({ id, role, text, parts, status }) => ({
      id: String(id),
      role,
      parts: [...parts.flatMap((part) => (part.type === "file" ? [fileOf(part)] : [])), { type: "text", text }],
      metadata: { status },
    }));
}

/** A file of a message. Its URL needs the headers of the user. */
const fileOf = ({ id, name, media_type }: { id: string; name: string; media_type: string }) => ({
  type: "file" as const,
  mediaType: media_type,
  filename: name,
  url: `${api}${path}/attachments/${id}`,
});

// ── The same without a browser ───────────────────────────────────────────────

const textOf = (message: UIMessage | undefined) =>
  (message?.parts ?? []).map((part) => (part.type === "text" ? part.text : "")).join("");
const statusOf = (message: UIMessage | undefined) => (message?.metadata as { status?: string } | undefined)?.status;

const openChat = async (onChange?: (messages: UIMessage[]) => void) =>
  new ArrayChat({ id: String(conversationId), transport, messages: await loadMessages() }, onChange);

function print(chat: ArrayChat): void {
  if (chat.error !== undefined) throw chat.error;
  printMessage("You", textOf(chat.messages.at(-2)));
  printMessage("Guide", textOf(chat.lastMessage));
}

step("Send a message");
let chat = await openChat();
await chat.sendMessage({ text: "What does a city bicycle cost a day?" });
print(chat);

step("Open the conversation again with its messages");
chat = await openChat();
console.log(`${chat.messages.length} messages, the last one is ${statusOf(chat.lastMessage)}.`);

step("Edit the message. The old answer is deleted, a new one is streamed");
await chat.sendMessage({ messageId: chat.messages.at(-2)!.id, text: "What does an electric bicycle cost a day?" });
print(chat);

step("Regenerate the answer");
const before = chat.lastMessage!.id;
await chat.regenerate();
console.log(`Message ${before} became message ${chat.lastMessage!.id}.`);

step("Stop an answer when its first words arrive, and generate it again");
let stopping: Promise<void> | undefined;
chat = await openChat((messages) => {
  const last = messages.at(-1);
  if (last?.role === "assistant" && statusOf(last) === "streaming" && textOf(last) !== "") stopping ??= chat.stop();
});
await chat.sendMessage({ text: "What is included in a rental?" });
await stopping;
console.log(`The answer was stopped after ${textOf(chat.lastMessage).length} characters.`);
await chat.regenerate();
print(chat);

step("Send a file");
const url = `data:text/plain,${encodeURIComponent("The workshop is closed on Mondays.")}`;
const files = [{ type: "file" as const, mediaType: "text/plain", filename: "notice.txt", url }];
await chat.sendMessage({ text: "What does the notice say about the workshop?", files });
print(chat);

step("Try again after a request that failed");
const { fetch } = globalThis;
globalThis.fetch = () => Promise.reject(new TypeError("fetch failed"));
await chat.sendMessage({ text: "When does the workshop close?" });
globalThis.fetch = fetch;
console.log(`The request failed: ${chat.error?.message}`);
await chat.regenerate();
print(chat);

step("Regenerate the first answer. All later messages are deleted");
await chat.regenerate({ messageId: chat.messages[1]!.id });
console.log(`${chat.messages.length} messages are left.`);
print(chat);

step("Reload the page while an answer is streaming, and resume it");
let arrived = () => {};
const firstWords = new Promise<void>((resolve) => (arrived = resolve));
const closedPage = await openChat((messages) => messages.at(-1)?.role === "assistant" && arrived());
const streaming = closedPage.sendMessage({ text: "When does the workshop close?" });
await firstWords;
chat = await openChat();
await chat.resumeStream();
await streaming;
// No stream and no answer: it was completed between the two requests.
if (chat.lastMessage?.role === "user") chat.messages = await loadMessages();
print(chat);
const complete = (await loadMessages()).at(-1)!;
console.log(`The answer is complete: ${textOf(chat.lastMessage) === textOf(complete) ? "yes" : "no"}.`);
