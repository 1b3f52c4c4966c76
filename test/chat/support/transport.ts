import type { DefaultChatTransport, UIMessage, UIMessageChunk } from "ai";

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
