import { Hono } from "hono";
import { requestIdAndHeaders, errorHandler, contextMiddleware } from "../../../src/http/middleware.ts";
import { constraintErrors } from "../../../src/errors.ts";
import { hooks } from "../../../src/feature-hooks.ts";
import type { AppEnv } from "../../../src/http/route.ts";
import type { Mail } from "../../../src/kit/mail.ts";

/** A Worker that mails what is posted to it, from a context such as every route is given. */
const probe = new Hono<AppEnv>();

probe.use(requestIdAndHeaders, contextMiddleware({ hooks, constraintErrors }));
probe.post("/mails", async (c) => {
  await c.get("ctx").mail.send(await c.req.json<Mail>());
  return c.json({ sent: true });
});
probe.get("/configured", (c) => c.json({ configured: c.get("ctx").mail.configured }));
probe.onError(errorHandler);

/** The classes that the bindings of the project name. */
export * from "../../../src/objects.ts";
export default { fetch: probe.fetch } satisfies ExportedHandler<Cloudflare.Env>;
