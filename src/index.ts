import { app } from "./app.ts";
import { sweepExpired } from "./auth/sessions/service.ts";
import { warmReply } from "./catalog/cached-route.ts";
import { publishCatalog } from "./catalog/service.ts";
import { jobContext, requestContext, type Ctx } from "./context.ts";
import { failLostImports } from "./datasets/import/run-import.ts";
import { sweepUploads } from "./datasets/uploads/service.ts";
import { hooks } from "./feature-hooks.ts";
import { handlers } from "./jobs.ts";
import { consumeDeadJobs, consumeJobs } from "./kit/queue/consumer.ts";
import { sweepLostBuilds } from "./knowledge/jobs.ts";
import { refreshPrices } from "./models/usage/prices.ts";
import { emptyBin } from "./minions/service.ts";
import { sweepOldCalls } from "./models/usage/record.ts";
import { sweepOutbox } from "./kit/queue/outbox.ts";

export * from "./objects.ts";

/** What runs when, by the crons of wrangler.toml. */
const crons: Record<string, Record<string, (ctx: Ctx) => Promise<unknown>>> = {
  "*/5 * * * *": {
    "publish-catalog": publishCatalog,
    "sweep-outbox": sweepOutbox,
    "fail-lost-imports": failLostImports,
    "sweep-lost-builds": sweepLostBuilds,
  },
  "41 4 * * *": { "refresh-prices": refreshPrices },
  "17 3 * * *": {
    "sweep-expired": sweepExpired,
    "empty-bin": emptyBin,
    "sweep-uploads": sweepUploads,
    "sweep-old-calls": sweepOldCalls,
  },
};

export default {
  fetch(request, bindings, lifetime) {
    const warm = warmReply(request, bindings, (requestId) => requestContext(request, { bindings, lifetime, hooks, requestId }));
    return warm ?? app.fetch(request, bindings, lifetime);
  },

  async queue(batch, bindings, lifetime) {
    const event = { bindings, lifetime, hooks };
    // Made first: of a Worker that is misconfigured, no job is to blame.
    const ctx = jobContext("write-down-failed-jobs", event);
    if (batch.queue.endsWith("-dead")) return consumeDeadJobs(batch, ctx);
    return consumeJobs<Ctx>(batch, {
      handlers,
      contextOf: (job, requestId) => jobContext(job, { ...event, requestId }),
      dead: bindings.DEAD_JOBS,
    });
  },

  async scheduled({ cron }, bindings, lifetime) {
    const work = crons[cron];
    if (work === undefined) throw new Error(`Nothing is scheduled for ${cron}.`);
    const runs = Object.entries(work).map(([job, run]) => run(jobContext(job, { bindings, lifetime, hooks })));
    const failed = (await Promise.allSettled(runs)).filter((run) => run.status === "rejected");
    if (failed.length > 0)
      throw new AggregateError(
        failed.map(({ reason }) => reason),
        `Failed at ${cron}.`,
      );
  },
} satisfies ExportedHandler<Cloudflare.Env>;
