/** The transport of `useChat` for a conversation, to copy into a front end. */
import { DefaultChatTransport, type FileUIPart, type UIMessage } from "ai";

/**
 * @param api the address of the conversations, such as `https://example.com/api/v2/conversations`
 * @param headers the headers that sign the user in, such as `{ authorization: "Bearer …" }`
 */
export function conversationTransport(api: string, headers: Record<string, string>): DefaultChatTransport<UIMessage> {
  /** Edits that did not arrive, by the ID of the message. To retry one is to edit again. */
  const failedEdits = new Set<string>();
  /** IDs of uploaded files, by URL, so that a retry does not upload them again. */
  const attachmentIds = new Map<string, string>();
  let resumes = 0;
  let stopped: Promise<unknown> = Promise.resolve();

  /** Like `fetch`, but an abort also stops the turn: a turn continues when its client only disconnects. */
  const fetchOrStop: typeof fetch = async (input, { signal, ...init } = {}) => {
    const url = input instanceof Request ? input.url : input.toString();
    const resume = init.method === "GET" ? ++resumes : undefined;
    await stopped;
    signal?.throwIfAborted();
    // Without the signal, because the server can only stop a turn that it has received.
    const sent = fetch(url, init);
    const stop = async () => {
      await new Promise((resolve) => setTimeout(resolve));
      // Not a stop: a new resume aborts the one before it.
      if (resume !== undefined && resume !== resumes) return;
      await sent;
      const [conversation] = /^.*\/conversations\/\d+/.exec(url)!;
      await fetch(`${conversation}/stop`, { method: "POST", headers });
    };
    signal?.addEventListener("abort", () => void (stopped = stop().catch(() => undefined)), { once: true });
    const response = await sent;
    const [, edited] = /\/messages\/([^/]+)\/edit$/.exec(url) ?? [];
    if (response.ok && edited !== undefined) failedEdits.delete(decodeURIComponent(edited));
    if (response.ok) return response;
    // The SDK shows the body of a failure as the error, so the body becomes the sentence of the problem details.
    const { detail } = (await response.json().catch(() => ({}))) as { detail?: string };
    return new Response(detail ?? `The server answered with status ${response.status}.`, { status: response.status });
  };

  /** Uploads a file, unless it was uploaded before. @returns its ID */
  async function attach(conversation: string, { url, filename = "file" }: FileUIPart): Promise<string> {
    const known = attachmentIds.get(url) ?? /\/attachments\/([\w-]+)$/.exec(url)?.[1];
    if (known !== undefined) return known;
    const body = new FormData();
    body.set("file", await (await fetch(url)).blob(), filename);
    const response = await fetch(`${conversation}/attachments`, { method: "POST", headers, body });
    const { attachment, detail } = (await response.json()) as { attachment?: { id: string }; detail?: string };
    if (attachment === undefined) throw new Error(detail);
    attachmentIds.set(url, attachment.id);
    return attachment.id;
  }

  return new DefaultChatTransport<UIMessage>({
    api,
    headers: { ...headers, accept: "text/event-stream" },
    fetch: fetchOrStop,
    async prepareSendMessagesRequest({ id, messages, trigger, messageId, headers: given = {} }) {
      const conversation = `${api}/${id}`;
      const { id: client_id, parts } = messages.findLast(({ role }) => role === "user")!;
      const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
      const isEdit = (trigger === "submit-message" && messageId !== undefined) || failedEdits.has(client_id);
      if (isEdit) failedEdits.add(client_id);
      const attachment_ids: string[] = [];
      for (const part of parts) if (part.type === "file") attachment_ids.push(await attach(conversation, part));
      if (isEdit) {
        const path = `messages/${encodeURIComponent(client_id)}/edit`;
        return { api: `${conversation}/${path}`, headers: given, body: { text, attachment_ids } };
      }
      const path = trigger === "regenerate-message" ? "regenerate" : "messages";
      return { api: `${conversation}/${path}`, headers: given, body: { client_id, text, attachment_ids } };
    },
  });
}
