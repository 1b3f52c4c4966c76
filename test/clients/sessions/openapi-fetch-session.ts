import createClient from "openapi-fetch";
import type { paths } from "./schema";

export async function runSession(baseUrl: string, username: string): Promise<string[]> {
  const client = createClient<paths>({ baseUrl });
  const account = { username, email: `${username}@example.com`, password: "correct horse battery staple" };
  const { data: registered } = await client.POST("/api/auth/register", { body: { ...account, first_name: "", last_name: "" } });
  const headers = { authorization: `Bearer ${registered!.token}` };
  const { data: made } = await client.POST("/api/v2/minions", {
    headers,
    body: { name: "ada", display_name: "Ada", model: "builtin/extractive" },
  });
  const minion = made!.minion;
  const { data: list } = await client.GET("/api/v2/minions", { headers, params: { query: { limit: 5, deleted: false } } });
  const path = { id: minion.id };
  const { data: opened } = await client.POST("/api/v2/minions/{id}/conversations", { headers, params: { path }, body: {} });
  const conversation = { id: opened!.conversation.id };
  const { data: sent } = await client.POST("/api/v2/conversations/{id}/messages", {
    headers,
    params: { path: conversation },
    body: { text: "Hello?", attachment_ids: [] },
  });
  if (typeof sent !== "object") throw new Error("The answer is not JSON.");
  const { data: messages } = await client.GET("/api/v2/conversations/{id}/messages", {
    headers,
    params: { path: conversation, query: { limit: 1 } },
  });
  const { error } = await client.GET("/api/v2/minions/{id}", { headers, params: { path: { id: 2_000_000_000 } } });
  return [list!.minions[0]!.display_name, sent.message.status, String(messages!.messages.length), error!.code];
}
