import { insertMinion } from "../minions/support/minions.ts";
import { bodyOf, type TestApi } from "./api.ts";
import { authHeader, type Person } from "./users.ts";

/** A conversation of the person's, in which nothing was said. */
export async function ownConversation(api: TestApi, person: Person): Promise<{ id: number }> {
  const minionId = await insertMinion(api.database, person.id);
  const [row] = await api.database.sql("insert into conversations (user_id, minion_id) values ($1, $2) returning id", [
    person.id,
    minionId,
  ]);
  return { id: Number(row!["id"]) };
}

/** A conversation of the person's in which something was said, and the answer; no message of it where they may not say anything. */
export async function ownAnswer(api: TestApi, person: Person): Promise<{ id: number; message_id: number }> {
  const { id } = await ownConversation(api, person);
  const reply = await api.get(`/api/v2/conversations/${id}/messages`, {
    method: "POST",
    headers: { ...authHeader(person.token), "content-type": "application/json" },
    body: JSON.stringify({ text: "An example" }),
  });
  const { message } = await bodyOf(reply);
  return { id, message_id: reply.ok ? Number(message.id) : 1 };
}

/** The same, and what was said. */
export async function ownQuestion(api: TestApi, person: Person): Promise<{ id: number; message_id: number }> {
  const { id, message_id } = await ownAnswer(api, person);
  return { id, message_id: message_id - 1 };
}

/** The same, and no message of it. */
export async function answeredConversation(api: TestApi, person: Person): Promise<{ id: number }> {
  const { id } = await ownAnswer(api, person);
  return { id };
}

/** Attaches a file to a conversation of the person's. @throws what was answered, where it was not taken */
export async function attachFile(api: TestApi, person: Person, conversationId: number): Promise<void> {
  const headers = { ...authHeader(person.token), "content-type": "text/plain" };
  const request = { method: "POST", headers, body: "An example" };
  const reply = await api.get(`/api/v2/conversations/${conversationId}/attachments`, request);
  if (!reply.ok) throw new Error(await reply.text());
}
