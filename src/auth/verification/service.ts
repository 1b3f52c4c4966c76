import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commit, commitOnce, type Statement } from "../../kit/db/commit.ts";
import { AppError } from "../../kit/errors.ts";
import { log } from "../../kit/log.ts";
import type { Mail } from "../../kit/mail.ts";
import { isMailLimit, mailStatements } from "../../kit/mail-limits.ts";
import { enqueueJob } from "../../kit/queue/outbox.ts";
import { auditRow } from "../audit.ts";
import { passwordProvider, type EmailTokenPurpose } from "../constants.ts";
import { forgetCredential, keyDevice } from "../credentials.ts";
import { sendResetJob, sendVerificationJob } from "../job-definitions.ts";
import { checkPassword, hashPassword } from "../passwords.ts";
import { onSessionsRevoked, revokedSessionColumns } from "../sessions/service.ts";
import { accounts, apiKeys, sessions, users } from "../tables.ts";
import { createEmailToken, findEmailToken } from "./email-tokens.ts";
import { resetMail, verificationMail } from "./mail-templates.ts";

/** Email verification and password reset. */

/** The statements that enqueue the verification mail. Without mail, the account stays unverified and works. */
export function verificationStatements(ctx: Ctx, userId: number): Statement[] {
  return ctx.mail.configured ? [enqueueJob(ctx, sendVerificationJob, { user_id: userId }, userId)] : [];
}

/** Enqueues the verification mail again. @throws mail_unavailable */
export async function resendVerification(ctx: Ctx, userId: number): Promise<void> {
  requireMail(ctx);
  await commit(ctx, [enqueueJob(ctx, sendVerificationJob, { user_id: userId }, userId)]);
}

/** Sends the verification mail, unless the address is already proven. */
export async function sendVerificationMail(ctx: Ctx, userId: number): Promise<void> {
  const isUnverified = and(eq(users.id, userId), eq(users.email_verified, false));
  const [user] = await ctx.db.select({ email: users.email }).from(users).where(isUnverified);
  if (user === undefined) return;
  await queueLink(ctx, "verify_email", { userId, email: user.email }, ({ link, key }) =>
    verificationMail(user.email, link, key),
  );
}

/** Proves the address of an account with a token from its mail. Two round trips. @throws token_invalid */
export async function verifyEmail(ctx: Ctx, token: string): Promise<void> {
  const { userId, use } = await findEmailToken(ctx, "verify_email", token);
  await commit(ctx, [
    ...use,
    ctx.db
      .update(users)
      .set({ email_verified: true, updated_at: sql`now()` })
      .where(eq(users.id, userId)),
    auditRow(ctx, "account.email_verified", userId),
  ]);
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
  const [user] = await ctx.db.select({ id: users.id }).from(users).where(eq(users.email, email));
  if (user === undefined) return;
  await queueLink(ctx, "reset_password", { userId: user.id, email }, ({ token, link, key }) =>
    resetMail(email, token, link, key),
  );
}

type Link = { token: string; link: string; key: string };

/** The pages that the links open. A page only looks at its link; its button sends the token. */
const pages: Record<EmailTokenPurpose, string> = { verify_email: "/verify-email", reset_password: "/reset-password" };

/** Stores a token and enqueues its mail, once. Nothing is sent if the recipient had its mails: nobody learns whether it has an account. */
async function queueLink(
  ctx: Ctx,
  purpose: EmailTokenPurpose,
  recipient: { userId: number; email: string },
  write: (link: Link) => Mail,
): Promise<void> {
  const { token, row } = await createEmailToken(ctx, purpose, recipient);
  const link = new URL(pages[purpose], ctx.env.PUBLIC_URL);
  link.searchParams.set("token", token);
  const mail = write({ token, link: link.href, key: `${purpose}:${crypto.randomUUID()}` });
  try {
    await commitOnce(ctx, [...(await mailStatements(ctx, mail, recipient.userId)), row]);
  } catch (error) {
    if (!isMailLimit(error)) throw error;
    log("info", "A mail was not sent, because its recipient had others.", { request_id: ctx.requestId, purpose });
  }
}

function requireMail(ctx: Ctx): void {
  if (!ctx.mail.configured) throw new AppError("mail_unavailable", "Mail is not configured on this server.");
}

/**
 * Resets a password: uses the token, stores the new password and revokes all sessions, in one commit.
 * @param revokeKeys whether API keys and minion tokens are revoked too
 * @throws token_invalid, validation_failed
 */
export async function resetPassword(ctx: Ctx, token: string, password: string, revokeKeys: boolean): Promise<void> {
  const { userId: user_id, username, use } = await findEmailToken(ctx, "reset_password", token);
  await checkPassword(password, username, "password");
  const hash = await hashPassword(password);
  const [, , , , deletedSessions, deletedKeys, minionTokens] = await commit(ctx, [
    ...use,
    ctx.db.delete(sessions).where(eq(sessions.user_id, user_id)).returning(revokedSessionColumns),
    ctx.db
      .delete(apiKeys)
      .where(and(eq(apiKeys.user_id, user_id), sql`${revokeKeys}`))
      .returning({ id: apiKeys.id, key_hash: apiKeys.key_hash }),
    ctx.db.execute<{ token_hash: string }>(revokeKeys ? ctx.hooks.deleteMinionTokens(user_id) : sql`select null where false`),
    ctx.db
      .insert(accounts)
      .values({ user_id, account_id: String(user_id), provider_id: passwordProvider, password: hash })
      .onConflictDoUpdate({
        target: [accounts.provider_id, accounts.account_id],
        set: { password: hash, updated_at: sql`now()` },
      }),
    auditRow(ctx, "account.password_reset", user_id, { revoked_api_keys: revokeKeys }),
  ]);
  const hashes = [...deletedKeys.map(({ key_hash }) => key_hash), ...minionTokens.rows.map(({ token_hash }) => token_hash)];
  if (deletedKeys.length > 0)
    ctx.hooks.onDevicesRevoked(
      ctx,
      user_id,
      deletedKeys.map(({ id }) => keyDevice(id)),
    );
  await Promise.all([onSessionsRevoked(ctx, user_id, deletedSessions), ...hashes.map((each) => forgetCredential(ctx, each))]);
}
