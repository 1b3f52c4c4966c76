import { DefaultChatTransport, type UIMessage, type UIMessageChunk } from "ai";

/** The AI SDK's transport with the routes of conversations, as in the README. */
export function conversationTransport(api: string, headers: Record<string, string>): DefaultChatTransport<UIMessage> {
  return new DefaultChatTransport({
    api,
    headers: { ...headers, accept: "text/event-stream" },
    prepareSendMessagesRequest({ id, messages, trigger, headers: given }) {
      const { id: client_id, parts } = messages.at(-1)!;
      const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
      return trigger === "regenerate-message"
        ? { api: `${api}/${id}/regenerate`, headers: given!, body: {} }
        : { api: `${api}/${id}/messages`, headers: given!, body: { client_id, text } };
    },
  });
}

type Sending = Parameters<DefaultChatTransport<UIMessage>["sendMessages"]>[0];

/** What `useChat` has a transport send. @param clientId what it calls the message */
export function asking(chatId: number, text: string, clientId: string, given: Partial<Sending> = {}): Sending {
  const messages: UIMessage[] = [{ id: clientId, role: "user", parts: [{ type: "text", text }] }];
  return {
    chatId: String(chatId),
    messages,
    trigger: "submit-message",
    messageId: undefined,
    abortSignal: undefined,
    ...given,
  };
}

/** All chunks of a stream. */
export async function drain(stream: ReadableStream<UIMessageChunk>): Promise<UIMessageChunk[]> {
  const chunks: UIMessageChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}
