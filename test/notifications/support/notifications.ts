import type { TestApi } from "../../support/api.ts";
import { bodyOf } from "../../support/api.ts";
import { authHeader, type Person } from "../../support/users.ts";
import { connect, type TestSocket } from "../../support/sockets.ts";

type RequestOptions = { method?: string; body?: unknown; headers?: Record<string, string> };

/** Asks the API as somebody, with JSON if there is any. */
export function sendRequest(
  api: TestApi,
  { token }: Pick<Person, "token">,
  path: string,
  { method = "GET", body, headers }: RequestOptions = {},
) {
  return api.get(path, {
    method,
    headers: { ...authHeader(token), ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** A ticket of somebody, to a resource. */
export async function ticketOf(api: TestApi, person: Pick<Person, "token">, resource = "me"): Promise<string> {
  const reply = await sendRequest(api, person, "/api/v2/socket-tickets", { method: "POST", body: { resource } });
  return ((await bodyOf(reply)) as { ticket: string }).ticket;
}

/** Where a ticket opens the hub, from a frame on if there is one. */
export function hubUrl(api: TestApi, ticket: string, after?: number): string {
  return new URL(`/api/v2/me/socket?ticket=${ticket}${after === undefined ? "" : `&after=${after}`}`, api.url).href;
}

/** Opens somebody's hub, with a ticket of its own. */
export async function openHub(api: TestApi, person: Pick<Person, "token">, after?: number): Promise<TestSocket> {
  return connect(hubUrl(api, await ticketOf(api, person), after));
}

/** Signs somebody in on another device. */
export async function anotherDevice(api: TestApi, person: Person): Promise<Person> {
  const token = `${person.username}-other-${crypto.randomUUID()}`;
  const [session] = await api.database.sql(
    "insert into sessions (user_id, token, expires_at) values ($1, $2, now() + interval '1 day') returning id",
    [person.id, token],
  );
  return { ...person, token, sessionId: Number(session!["id"]) };
}
