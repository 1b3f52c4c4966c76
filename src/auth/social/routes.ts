import { Hono } from "hono";
import * as z from "zod";
import { route, type AppEnv } from "../../http/route.ts";
import { limited } from "../../limits/middleware.ts";
import { providerNames } from "../social-providers.ts";
import { requireListed, requireProvider } from "./service.ts";

/** Sign-in with another provider, by better-auth, at /api/auth. */
export const social = new Hono<AppEnv>();

const limit = limited("sign_in");

const ProviderParam = z.object({ provider: z.enum(providerNames) });

social.post(
  "/sign-in/:provider",
  route(
    {
      id: "beginSocialSignIn",
      limit,
      summary: "Start a sign-in with another provider",
      description:
        "Redirect the browser to `url`. After the sign-in, the provider redirects it to `callback_url`, with a session cookie.",
      tag: "Accounts",
      params: ProviderParam,
      unknownKeys: "ignoreTopLevel",
      body: z.object({
        callback_url: z
          .union([z.url({ protocol: /^https?$/ }), z.string().regex(/^\/(?![/\\])/)], "must be a path or an http(s) URL")
          .default("/"),
      }),
      reply: z.object({ success: z.literal(true), url: z.string() }),
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, c, params, body }) => {
      requireProvider(ctx.env, params.provider);
      requireListed(ctx.env, body.callback_url);
      const { createBetterAuth } = await import("../better-auth.ts");
      const reply = await createBetterAuth(ctx).api.signInSocial({
        body: { provider: params.provider, callbackURL: body.callback_url, disableRedirect: true },
        headers: c.req.raw.headers,
        asResponse: true,
      });
      if (!reply.ok) throw new Error(`better-auth refused to start a sign-in: ${reply.status}`);
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
      summary: "Finish a sign-in with another provider and redirect to `callback_url`",
      tag: "Accounts",
      params: ProviderParam,
      reply: z.object({ success: z.literal(true) }),
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, c, params }) => {
      requireProvider(ctx.env, params.provider);
      const { createBetterAuth } = await import("../better-auth.ts");
      const reply = await createBetterAuth(ctx).handler(c.req.raw);
      return new Response(reply.body, reply);
    },
  ),
);
