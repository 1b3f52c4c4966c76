import type { Ctx } from "../context.ts";
import { doing, type Handler } from "../kit/queue/consumer.ts";
import { eraseUser } from "./accounts/delete-account.ts";
import { beginReset, eraseAccount, proveAddress } from "./job-definitions.ts";
import { sendResetMail, sendVerificationMail } from "./verification/service.ts";

export const authJobs: readonly Handler<Ctx>[] = [
  doing(proveAddress, (ctx: Ctx, { user_id }) => sendVerificationMail(ctx, user_id)),
  doing(beginReset, (ctx: Ctx, { email }) => sendResetMail(ctx, email)),
  doing(eraseAccount, eraseUser),
];
