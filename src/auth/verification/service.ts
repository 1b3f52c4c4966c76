import { and, eq, gt, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commit, commitOnce, assertInTransaction, type Statement } from "../../kit/db/commit.ts";
import { AppError } from "../../kit/errors.ts";
import { authErrors, constraintErrors } from "../errors.ts";
import { sendMail, type Mail } from "../../kit/mail.ts";
import { enqueueJob } from "../../kit/queue/outbox.ts";
import { auditRow } from "../audit.ts";
import { sendResetJob, sendVerificationJob } from "../job-definitions.ts";
import { resetMail, verificationMail } from "./mail-templates.ts";
import type { EmailToken } from "../better-auth.ts";
import { checkPassword, hashPassword, passwordProvider } from "../passwords.ts";
import { revokedSessionColumns, onSessionsRevoked } from "../sessions/service.ts";
import { accounts, sessions, users, verifications } from "../tables.ts";

/** Email verification and password reset. */

const invalidLink = constraintErrors.reset_token_used.detail;

const betterAuth = async (ctx: Ctx, mail?: (proof: EmailToken) => void) =>
  (await import("../better-auth.ts")).createBetterAuth(ctx, mail);

/** The statements that enqueue the verification mail. Without mail, the account stays unverified and works. */
export function verificationStatements(ctx: Ctx, userId: number): Statement[] {
  return ctx.mail.configured ? [enqueueJob(ctx, sendVerificationJob, { user_id: userId }, userId)] : [];
}

/** Enqueues the verification mail again. @throws mail_unavailable */
export async function resendVerification(ctx: Ctx, userId: number): Promise<void> {
  requireMail(ctx);
  await commit(ctx, [enqueueJob(ctx, sendVerificationJob, { user_id: userId }, userId)]);
}

/** Sends the verification mail, unless the email is already verified. */
export async function sendVerificationMail(ctx: Ctx, userId: number): Promise<void> {
  const isUnverified = and(eq(users.id, userId), eq(users.email_verified, false));
  const [user] = await ctx.db.select({ email: users.email }).from(users).where(isUnverified);
  if (user === undefined) return;
  const proofs: EmailToken[] = [];
  const auth = await betterAuth(ctx, (proof) => proofs.push(proof));
  await auth.api.sendVerificationEmail({ body: { email: user.email } });
  await queueTokenMail(ctx, proofs, (proof, key) => {
    const link = new URL("/api/auth/verify-email", ctx.env.PUBLIC_URL);
    link.searchParams.set("token", proof.token);
    return verificationMail(proof, link.href, `verify:${key}`);
  });
}

/** Verifies an email address with a token. @throws token_invalid */
export async function verifyEmail(ctx: Ctx, token: string): Promise<void> {
  await mapBetterAuthErrors(async () => (await betterAuth(ctx)).api.verifyEmail({ query: { token } }));
}

/**
 * Enqueues a password reset mail. The job looks the account up after the reply, so the response time does not show whether it exists.
 * @throws mail_unavailable if mail is not configured
 */
export async function forgotPassword(ctx: Ctx, email: string): Promise<void> {
  requireMail(ctx);
  await commit(ctx, [enqueueJob(ctx, sendResetJob, { email })]);
}

/** Sends the password reset mail to an email address, if it has an account. */
export async function sendResetMail(ctx: Ctx, email: string): Promise<void> {
  const proofs: EmailToken[] = [];
  const auth = await betterAuth(ctx, (proof) => proofs.push(proof));
  await auth.api.requestPasswordReset({ body: { email } });
  await queueTokenMail(ctx, proofs, (proof, key) => {
    const link = new URL("/reset-password", ctx.env.PUBLIC_URL);
    link.searchParams.set("token", proof.token);
    return resetMail(proof, proof.token, link.href, `reset:${key}`);
  });
}

/** Enqueues the mail of a token once. better-auth hides the errors of its mail callback, so the callback only collects the token. */
async function queueTokenMail(ctx: Ctx, proofs: EmailToken[], write: (proof: EmailToken, key: string) => Mail): Promise<void> {
  const [proof] = proofs;
  if (proof === undefined) return;
  await commitOnce(ctx, [enqueueJob(ctx, sendMail, write(proof, crypto.randomUUID()), proof.userId)]);
}

function requireMail(ctx: Ctx): void {
  if (!ctx.mail.configured) throw new AppError("mail_unavailable", "Mail is not configured on this server.");
}

/**
 * Resets a password: deletes the token, stores the new password and revokes all sessions, in one commit.
 * @throws token_invalid, validation_failed
 */
export async function resetPassword(ctx: Ctx, token: string, password: string): Promise<void> {
  // better-auth stores the token in the identifier and the user ID as the value.
  const live = and(eq(verifications.identifier, `reset-password:${token}`), gt(verifications.expires_at, sql`now()`))!;
  const [proof] = await ctx.db
    .select({ user_id: users.id, username: users.username })
    .from(verifications)
    .innerJoin(users, eq(sql`${users.id}::text`, verifications.value))
    .where(live);
  if (proof === undefined) throw new AppError(authErrors.token_invalid, invalidLink);
  const { user_id, username } = proof;
  await checkPassword(password, username, "password");
  const hash = await hashPassword(password);
  const [, , , , deletedSessions] = await commit(ctx, [
    ctx.db.select({ id: verifications.id }).from(verifications).where(live).for("update"),
    assertInTransaction(ctx.db, sql`exists (select from ${verifications} where ${live})`, "reset_token_used"),
    ctx.db.delete(verifications).where(live),
    ctx.db
      .insert(accounts)
      .values({ user_id, account_id: String(user_id), provider_id: passwordProvider, password: hash })
      .onConflictDoUpdate({
        target: [accounts.provider_id, accounts.account_id],
        set: { password: hash, updated_at: sql`now()` },
      }),
    ctx.db.delete(sessions).where(eq(sessions.user_id, user_id)).returning(revokedSessionColumns),
    auditRow(ctx, "account.password_reset", user_id),
  ]);
  await onSessionsRevoked(ctx, user_id, deletedSessions);
}

/** Turns better-auth's client errors into `token_invalid` and rethrows all other errors. */
async function mapBetterAuthErrors(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
    if (status >= 500) throw error;
    throw new AppError(authErrors.token_invalid, invalidLink, { cause: error });
  }
}
