import { Hono } from "hono";
import * as z from "zod";
import type { Env } from "../env.ts";
import { route, type AppEnv } from "../http.ts";
import { AppError, invalid } from "../kit/errors.ts";
import { limited } from "../limits/middleware.ts";

const names = ["github", "google"] as const;

type ProviderName = (typeof names)[number];

type Settings = Pick<Env, "GITHUB_CLIENT_ID" | "GITHUB_CLIENT_SECRET" | "GOOGLE_CLIENT_ID" | "GOOGLE_CLIENT_SECRET">;

/** The client id and secret of each provider that is configured. */
export function providersOf(env: Settings): Partial<Record<ProviderName, { clientId: string; clientSecret: string }>> {
  const given = {
    github: { clientId: env.GITHUB_CLIENT_ID, clientSecret: env.GITHUB_CLIENT_SECRET },
    google: { clientId: env.GOOGLE_CLIENT_ID, clientSecret: env.GOOGLE_CLIENT_SECRET },
  };
  return Object.fromEntries(
    Object.entries(given).filter(([, { clientId, clientSecret }]) => clientId !== "" && clientSecret !== ""),
  );
}

/** Where people may sign in besides with a password. */
export function configuredProviders(env: Settings): string[] {
  return Object.keys(providersOf(env));
}

/** Sign-in by way of another provider: the library's own, at /api/auth. */
export const social = new Hono<AppEnv>();

const limit = limited("sign_in");

const ProviderParam = z.object({ provider: z.enum(names) });

function requireProvider(env: Env, provider: ProviderName): void {
  if (!(provider in providersOf(env))) throw new AppError("not_found", `Sign-in with ${provider} is not configured here.`);
}

/** The library checks where it sends browsers only for requests of its own. @throws validation_failed */
function requireListed({ PUBLIC_URL, CORS_ORIGINS }: Env, callbackUrl: string): void {
  const { origin } = new URL(callbackUrl, PUBLIC_URL);
  if (origin === new URL(PUBLIC_URL).origin || CORS_ORIGINS.includes(origin)) return;
  throw invalid([{ path: "callback_url", in: "body", message: "must be a path, or of an origin that is listed" }]);
}

social.post(
  "/sign-in/:provider",
  route(
    {
      id: "beginSocialSignIn",
      limit,
      summary: "Begin a sign-in with another provider",
      description: "Send the browser to the `url`; it comes back to `callback_url`, signed in by its cookie.",
      tag: "Accounts",
      params: ProviderParam,
      body: z.object({
        callback_url: z.union([z.url({ protocol: /^https?$/ }), z.string().regex(/^\/(?![/\\])/)]).default("/"),
      }),
      reply: z.object({ success: z.literal(true), url: z.string() }),
      fails: ["not_found", "database_unavailable"],
    },
    async ({ ctx, c, params, body }) => {
      requireProvider(ctx.env, params.provider);
      requireListed(ctx.env, body.callback_url);
      const { openLibrary } = await import("./library.ts");
      const reply = await openLibrary(ctx).api.signInSocial({
        body: { provider: params.provider, callbackURL: body.callback_url, disableRedirect: true },
        headers: c.req.raw.headers,
        asResponse: true,
      });
      if (!reply.ok) throw new Error(`The library refused to begin a sign-in: ${reply.status}`);
      for (const cookie of reply.headers.getSetCookie()) c.header("set-cookie", cookie, { append: true });
      const { url } = await reply.json<{ url: string }>();
      return { success: true as const, url };
    },
  ),
);

social.get(
  "/callback/:provider",
  route(
    {
      id: "endSocialSignIn",
      limit,
      summary: "Where a provider sends the browser back; redirects to the callback_url",
      tag: "Accounts",
      params: ProviderParam,
      reply: z.object({ success: z.literal(true) }),
      fails: ["not_found", "database_unavailable"],
    },
    async ({ ctx, c, params }) => {
      requireProvider(ctx.env, params.provider);
      const { openLibrary } = await import("./library.ts");
      const reply = await openLibrary(ctx).handler(c.req.raw);
      return new Response(reply.body, reply);
    },
  ),
);
