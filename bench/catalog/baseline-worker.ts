import { env } from "cloudflare:workers";
import { Hono } from "hono";

/** A minimal Hono Worker: one route, which returns a prepared response out of its bindings. */
const { STATUS, HEADERS, BODY } = env as unknown as Record<"STATUS" | "HEADERS" | "BODY", string>;

const status = Number(STATUS);
const headers: Record<string, string> = JSON.parse(HEADERS);
const body = BODY === "" ? null : new TextEncoder().encode(BODY);

const app = new Hono();
app.get("/api/v2/spirits", () => new Response(body, { status, headers }));

export default app;
