import { and, eq, gt, sql } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import { commit, refuseUnless } from "../kit/db.ts";
import { AppError, constraintFailures } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { passwordProvider } from "./accounts.ts";
import { auditRow } from "./audit.ts";
import { checkPassword, hashPassword } from "./passwords.ts";
import { forgetTokens } from "./sessions.ts";
import { accounts, sessions, users, verifications } from "./tables.ts";

/** Proofs by mail: that an address is one's own, and that a forgotten password may be replaced. */

const invalidLink = constraintFailures["reset_token_used"]!.detail;

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

/**
 * Ends a reset: the token is used up, the new password holds, and every device is signed out, in one commit.
 * @throws token_invalid, validation_failed
 */
export async function resetPassword(ctx: Ctx, token: string, password: string): Promise<void> {
  // As the library writes it: the token in the identifier, the user's number as the value.
  const live = and(eq(verifications.identifier, `reset-password:${token}`), gt(verifications.expires_at, sql`now()`))!;
  const [proof] = await ctx.db
    .select({ user_id: users.id, username: users.username })
    .from(verifications)
    .innerJoin(users, eq(sql`${users.id}::text`, verifications.value))
    .where(live);
  if (proof === undefined) throw new AppError("token_invalid", invalidLink);
  const { user_id, username } = proof;
  await checkPassword(password, username, "password");
  const hash = await hashPassword(password);
  const [, , , , gone] = await commit(ctx.db, [
    ctx.db.select({ id: verifications.id }).from(verifications).where(live).for("update"),
    refuseUnless(ctx.db, sql`exists (select from ${verifications} where ${live})`, "reset_token_used"),
    ctx.db.delete(verifications).where(live),
    ctx.db
      .insert(accounts)
      .values({ user_id, account_id: String(user_id), provider_id: passwordProvider, password: hash })
      .onConflictDoUpdate({
        target: [accounts.provider_id, accounts.account_id],
        set: { password: hash, updated_at: sql`now()` },
      }),
    ctx.db.delete(sessions).where(eq(sessions.user_id, user_id)).returning({ token: sessions.token }),
    auditRow(ctx, "account.password_reset", user_id),
  ]);
  await forgetTokens(ctx, gone);
}

/** The library's refusals in our words; what is no refusal goes on as it is. */
async function refusing(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
    if (status >= 500) throw error;
    throw new AppError("token_invalid", invalidLink, { cause: error });
  }
}
