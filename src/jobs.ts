import { authJobs } from "./auth/jobs.ts";
import { chatJobs } from "./chat/jobs.ts";
import type { Ctx } from "./context.ts";
import { datasetJobs } from "./datasets/jobs.ts";
import { mailJobs } from "./kit/mail.ts";
import type { Handler } from "./kit/queue/handler.ts";
import { knowledgeJobs } from "./knowledge/jobs.ts";

/** The handlers of all background jobs. */
export const jobHandlers: readonly Handler<Ctx>[] = [...mailJobs, ...authJobs, ...datasetJobs, ...knowledgeJobs, ...chatJobs];
