import { createClient } from "./hey/client";
import { createConversation, createMinion, getMinion, listMessages, listMinions, register, sendMessage } from "./hey/sdk.gen";

export async function runSession(baseUrl: string, username: string): Promise<string[]> {
  const client = createClient({ baseUrl });
  const account = { username, email: `${username}@example.com`, password: "correct horse battery staple" };
  const { data: registered } = await register({ client, body: account });
  const headers = { authorization: `Bearer ${registered!.token}` };
  const { data: made } = await createMinion({
    client,
    headers,
    body: { name: "ada", display_name: "Ada", model: "builtin/extractive" },
  });
  const { id } = made!.minion;
  const { data: list } = await listMinions({ client, headers, query: { limit: 5, deleted: false } });
  const { data: opened } = await createConversation({ client, headers, path: { id }, body: {} });
  const path = { id: opened!.conversation.id };
  const { data: sent } = await sendMessage({ client, headers, path, body: { text: "Hello?" } });
  if (typeof sent !== "object") throw new Error("The answer is not JSON.");
  const { data: messages } = await listMessages({ client, headers, path, query: { limit: 1 } });
  const { error } = await getMinion({ client, headers, path: { id: 2_000_000_000 } });
  return [list!.minions[0]!.display_name, sent.message.status, String(messages!.messages.length), error!.code];
}
