import { Hono } from "hono";
import * as z from "zod";
import type { Actor, Hooks } from "../../../src/context.ts";
import { requestIdAndHeaders, errorHandler, contextMiddleware } from "../../../src/http/middleware.ts";
import { route, type Access, type AppEnv } from "../../../src/http/route.ts";
import { AppError } from "../../../src/kit/errors.ts";
import { Semaphore } from "../../../src/kit/async/semaphore.ts";
import { SignInGate } from "../../../src/limits/durable-object.ts";
import { rateLimitedGuard, limited, limitAnonymous } from "../../../src/limits/middleware.ts";
import { admitSignIn, rememberDevice, signInSucceeded, signInWithdrawn } from "../../../src/limits/sign-in.ts";

/** A Worker with routes of every kind that limits know, whose callers are whoever they say they are. */

/** The gate, with its alarm in reach. */
export class ProbedGate extends SignInGate {
  async ringNow(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now());
  }

  alarmAt(): Promise<number | null> {
    return this.ctx.storage.getAlarm();
  }
}

let requestCount = 0;

/** Lets in `Bearer user:1` and `Bearer key:1`. */
const trusting: Access = {
  schemes: ["session"],
  permission: "account.read",
  admit(c) {
    requestCount += 1;
    const [, kind, id] = /^Bearer (user|key):(\d+)$/.exec(c.req.header("authorization") ?? "") ?? [];
    if (kind === undefined) return Promise.reject(new AppError("unauthenticated", "Who are you?"));
    const permissions: string[] = [];
    return Promise.resolve<Actor>(
      kind === "user"
        ? { kind: "user", userId: Number(id), sessionId: 1, roles: [], permissions }
        : { kind: "key", userId: 1, keyId: Number(id), permissions },
    );
  },
};

const doc = { id: "probe", summary: "", tag: "", reply: z.object({}) };
const guard = rateLimitedGuard(trusting);
const expensive = limited("expensive");
const signIn = limited("sign_in");
const slots = new Semaphore(2, 2);
let running = 0;

const probe = new Hono<AppEnv>();
probe.use(requestIdAndHeaders, contextMiddleware({ hooks: {} as Hooks, constraintErrors: {} }), limitAnonymous);
probe.get(
  "/open",
  route(doc, () => ({})),
);
probe.get(
  "/guarded",
  route({ ...doc, access: guard }, () => ({})),
);
probe.post(
  "/guarded",
  route({ ...doc, access: guard }, () => ({})),
);
probe.get(
  "/uncounted",
  route({ ...doc, access: trusting }, () => ({})),
);
probe.get("/heard", (c) => c.json({ heard: requestCount }));
probe.get(
  "/expensive",
  route({ ...doc, access: guard }, async ({ ctx }) => {
    await expensive.admit(ctx);
    return {};
  }),
);
probe.get(
  "/sign-in-page",
  route(doc, async ({ ctx }) => {
    await signIn.admit(ctx);
    return {};
  }),
);

/** Signs in as `name`: right, wrong or withdrawn, with the device's token in the query. */
probe.post("/sign-in/:name/:outcome", async (c) => {
  const ctx = c.get("ctx");
  const ticket = await admitSignIn(ctx, c.req.param("name"), c.req.query("device") ?? null);
  if (c.req.param("outcome") === "right") signInSucceeded(ctx, ticket, c.req.query("gives"));
  if (c.req.param("outcome") === "withdrawn") signInWithdrawn(ctx, ticket);
  return c.json({ budget: ticket.budget });
});
probe.post("/remember/:name", (c) => {
  rememberDevice(c.get("ctx"), c.req.param("name"), c.req.query("device") ?? null);
  return c.json({});
});

const holdSlot = (ms: number) =>
  slots.run(async () => {
    running += 1;
    const atOnce = running;
    await new Promise((resolve) => setTimeout(resolve, ms));
    running -= 1;
    return atOnce;
  });

/** Holds a slot for `ms`, and tells how many did at once. */
probe.get("/slot", async (c) => c.json({ atOnce: await holdSlot(Number(c.req.query("ms"))) }));

/** Asks for two slots and is gone before it gives them back: the runtime drops what a request leaves running. */
probe.get("/leave", (c) => {
  for (let i = 0; i < 2; i += 1) void holdSlot(1_000);
  return c.json({});
});
probe.onError(errorHandler);

export default { fetch: probe.fetch } satisfies ExportedHandler<Cloudflare.Env>;
