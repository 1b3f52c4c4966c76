import { app } from "./app.ts";
import { cachedResponse } from "./catalog/cached-route.ts";
import { jobContext, requestContext, type Ctx } from "./context.ts";
import { cronJobs } from "./cron.ts";
import { constraintErrors } from "./errors.ts";
import { hooks } from "./feature-hooks.ts";
import { jobHandlers } from "./jobs.ts";
import { consumeJobs } from "./kit/queue/consumer.ts";
import { runCron } from "./kit/queue/cron.ts";
import { consumeDeadJobs } from "./kit/queue/dead-letters.ts";

// By name, since wrangler types reads the classes from here.
export { ChatRoom, SignInGate, UserHub } from "./objects.ts";

const composition = { hooks, constraintErrors };

export default {
  fetch(request, bindings, lifetime) {
    const warm = cachedResponse(request, bindings, (requestId) =>
      requestContext(request, { ...composition, bindings, lifetime, requestId }),
    );
    return warm ?? app.fetch(request, bindings, lifetime);
  },

  async queue(batch, bindings, lifetime) {
    const event = { ...composition, bindings, lifetime };
    // Created first, so that a misconfigured Worker fails before any job does.
    const ctx = jobContext("write-down-failed-jobs", event);
    if (batch.queue.endsWith("-dead")) return consumeDeadJobs<Ctx>(batch, ctx, jobHandlers);
    return consumeJobs<Ctx>(batch, {
      handlers: jobHandlers,
      contextOf: (job, requestId) => jobContext(job, { ...event, requestId }),
      dead: bindings.DEAD_JOBS,
    });
  },

  scheduled({ cron }, bindings, lifetime) {
    return runCron(cronJobs, cron, (name) => jobContext(name, { ...composition, bindings, lifetime }));
  },
} satisfies ExportedHandler<Cloudflare.Env>;
