import { app } from "./app.ts";
import { sweepExpired } from "./auth/sessions.ts";
import { warmReply } from "./catalog/delivery.ts";
import { publishCatalog } from "./catalog/service.ts";
import { jobContext, requestContext, type Ctx } from "./context.ts";
import { hooks } from "./hooks.ts";

export { SignInGate } from "./limits/durable-object.ts";

/** What runs when, by the crons of wrangler.toml. */
const crons: Record<string, { job: string; run: (ctx: Ctx) => Promise<unknown> }> = {
  "*/5 * * * *": { job: "publish-catalog", run: publishCatalog },
  "17 3 * * *": { job: "sweep-expired", run: sweepExpired },
};

export default {
  fetch(request, bindings, lifetime) {
    const warm = warmReply(request, bindings, (requestId) => requestContext(request, { bindings, lifetime, hooks, requestId }));
    return warm ?? app.fetch(request, bindings, lifetime);
  },

  async scheduled({ cron }, bindings, lifetime) {
    const work = crons[cron];
    if (work === undefined) throw new Error(`Nothing is scheduled for ${cron}.`);
    await work.run(jobContext(work.job, { bindings, lifetime, hooks }));
  },
} satisfies ExportedHandler<Cloudflare.Env>;
