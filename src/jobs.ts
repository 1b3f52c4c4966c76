import { eraseUser } from "./auth/accounts/delete-account.ts";
import { beginReset, eraseAccount, proveAddress } from "./auth/job-definitions.ts";
import { sendResetMail, sendVerificationMail } from "./auth/verification/service.ts";
import { chatJobs } from "./chat/jobs.ts";
import type { Ctx } from "./context.ts";
import { datasetJobs } from "./datasets/jobs.ts";
import { doing, type Handler } from "./kit/queue/consumer.ts";
import { sendMail } from "./kit/mail.ts";
import { knowledgeJobs } from "./knowledge/jobs.ts";

/** Every background job, and what does it. */
export const handlers: readonly Handler<Ctx>[] = [
  doing(sendMail, (ctx: Ctx, mail) => ctx.mail.send(mail)),
  doing(proveAddress, (ctx: Ctx, { user_id }) => sendVerificationMail(ctx, user_id)),
  doing(beginReset, (ctx: Ctx, { email }) => sendResetMail(ctx, email)),
  doing(eraseAccount, eraseUser),
  ...datasetJobs,
  ...knowledgeJobs,
  ...chatJobs,
];
