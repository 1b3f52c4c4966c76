import type { Ctx } from "../context.ts";
import { handleJob, type Handler } from "../kit/queue/handler.ts";
import { eraseUser } from "./accounts/delete-account.ts";
import { sendResetJob, eraseAccount, sendVerificationJob } from "./job-definitions.ts";
import { sendResetMail, sendVerificationMail } from "./verification/service.ts";

export const authJobs: readonly Handler<Ctx>[] = [
  handleJob(sendVerificationJob, (ctx: Ctx, { user_id }) => sendVerificationMail(ctx, user_id)),
  handleJob(sendResetJob, (ctx: Ctx, { email }) => sendResetMail(ctx, email)),
  handleJob(eraseAccount, eraseUser),
];
