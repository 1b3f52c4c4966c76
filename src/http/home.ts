import { Hono } from "hono";
import * as z from "zod";
import { homePage } from "../pages/home-page.ts";
import { route, type AppEnv } from "./route.ts";

/** The version of this server, as in package.json. */
export const version = "0.1.0";

const links = { reference: "/docs", openapi: "/openapi.json", problems: "/problems", health: "/api/v2/health" } as const;

const Home = z.object({
  success: z.literal(true),
  name: z.literal("Spiritforge"),
  version: z.string(),
  links: z.object({ reference: z.string(), openapi: z.string(), problems: z.string(), health: z.string() }),
});

const html = homePage(version);
const htmlHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
};

/** At `/`: a page for browsers, and the same content as JSON for programs. Neither calls Postgres or KV. */
export const home = new Hono<AppEnv>();

home.get(
  "/",
  route(
    {
      id: "getHome",
      summary: "Get the name, version and links of the server",
      description: "Clients that accept `text/html` get a page.",
      tag: "Health",
      reply: Home,
    },
    ({ c }) =>
      c.req.header("accept")?.includes("text/html")
        ? new Response(html, { headers: htmlHeaders })
        : { success: true as const, name: "Spiritforge" as const, version, links },
  ),
);
