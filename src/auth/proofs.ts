import type { Ctx } from "../context.ts";
import { AppError } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { checkPassword } from "./passwords.ts";

/** Proofs by mail: that an address is one's own, and that a forgotten password may be replaced. */

const library = async (ctx: Ctx) => (await import("./library.ts")).openLibrary(ctx);

/** Sends the mail that proves an address, behind the reply. Without mail, the account stays unverified and works. */
export function sendVerification(ctx: Ctx, email: string): void {
  if (!ctx.mail.configured) return;
  const quiet = ctx.behind();
  quiet.defer(
    library(quiet)
      .then((auth) => auth.api.sendVerificationEmail({ body: { email } }))
      .catch((error: unknown) => log("error", "The verification mail was not sent.", { request_id: ctx.requestId, error })),
  );
}

/** Takes the proof of an address. @throws token_invalid */
export async function verifyEmail(ctx: Ctx, token: string): Promise<void> {
  await refusing(async () => (await library(ctx)).api.verifyEmail({ query: { token } }));
}

/**
 * Begins a reset. All of it happens behind the reply, so that its time tells nothing of the account.
 * @throws mail_unavailable when no mail can be sent at all
 */
export function forgotPassword(ctx: Ctx, email: string): void {
  if (!ctx.mail.configured)
    throw new AppError("mail_unavailable", "Mail is not configured here, so a password cannot be reset.");
  const quiet = ctx.behind();
  quiet.defer(
    library(quiet)
      .then((auth) => auth.api.requestPasswordReset({ body: { email } }))
      .catch((error: unknown) => log("error", "The reset mail was not sent.", { request_id: ctx.requestId, error })),
  );
}

/** Ends a reset: the new password holds, and every device is signed out. @throws token_invalid, validation_failed */
export async function resetPassword(ctx: Ctx, token: string, password: string): Promise<void> {
  await checkPassword(password, null, "password");
  await refusing(async () => (await library(ctx)).api.resetPassword({ body: { token, newPassword: password } }));
}

/** The library's refusals in our words; what is no refusal goes on as it is. */
async function refusing(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
    if (status >= 500) throw error;
    throw new AppError("token_invalid", "This link is invalid, used, or expired: ask for another.", { cause: error });
  }
}
