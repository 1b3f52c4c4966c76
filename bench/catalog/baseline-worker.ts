import { DurableObject, env } from "cloudflare:workers";
import { Hono } from "hono";

/** What any Hono Worker costs that answers this one path: the reply is made beforehand, out of the bindings. */
const { STATUS, HEADERS, BODY } = env as unknown as Record<"STATUS" | "HEADERS" | "BODY", string>;

const status = Number(STATUS);
const headers: Record<string, string> = JSON.parse(HEADERS);
const body = BODY === "" ? null : new TextEncoder().encode(BODY);

const app = new Hono();
app.get("/api/v2/spirits", () => new Response(body, { status, headers }));

export default app;

/** wrangler.toml names them; nobody asks them here. */
export class SignInGate extends DurableObject {}
export class UserHub extends DurableObject {}
export class ChatRoom extends DurableObject {}
