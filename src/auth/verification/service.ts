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

/** Proofs by mail: that an address is one's own, and that a forgotten password may be replaced. */

const invalidLink = constraintErrors.reset_token_used.detail;

const betterAuth = async (ctx: Ctx, mail?: (proof: EmailToken) => void) =>
  (await import("../better-auth.ts")).createBetterAuth(ctx, mail);

/** The statements that have a user asked to prove their address. Without mail, an account stays unverified and works. */
export function verificationStatements(ctx: Ctx, userId: number): Statement[] {
  return ctx.mail.configured ? [enqueueJob(ctx, sendVerificationJob, { user_id: userId }, userId)] : [];
}

/** Asks a user again to prove their address. @throws mail_unavailable */
export async function resendVerification(ctx: Ctx, userId: number): Promise<void> {
  requireMail(ctx);
  await commit(ctx, [enqueueJob(ctx, sendVerificationJob, { user_id: userId }, userId)]);
}

/** Mails the link that proves an address, unless it is proven. */
export async function sendVerificationMail(ctx: Ctx, userId: number): Promise<void> {
  const unproven = and(eq(users.id, userId), eq(users.email_verified, false));
  const [user] = await ctx.db.select({ email: users.email }).from(users).where(unproven);
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

/** Takes the proof of an address. @throws token_invalid */
export async function verifyEmail(ctx: Ctx, token: string): Promise<void> {
  await mapBetterAuthErrors(async () => (await betterAuth(ctx)).api.verifyEmail({ query: { token } }));
}

/**
 * Begins a reset. Whether there is such an account is looked at behind the reply, whose time tells nothing of it.
 * @throws mail_unavailable when no mail can be sent at all
 */
export async function forgotPassword(ctx: Ctx, email: string): Promise<void> {
  requireMail(ctx);
  await commit(ctx, [enqueueJob(ctx, sendResetJob, { email })]);
}

/** Mails whoever has this address the token with which a new password is chosen. */
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

/** The library swallows what fails while it mails, so it only says what to mail; the mail is a job, asked for once. */
async function queueTokenMail(ctx: Ctx, proofs: EmailToken[], write: (proof: EmailToken, key: string) => Mail): Promise<void> {
  const [proof] = proofs;
  if (proof === undefined) return;
  await commitOnce(ctx, [enqueueJob(ctx, sendMail, write(proof, crypto.randomUUID()), proof.userId)]);
}

function requireMail(ctx: Ctx): void {
  if (!ctx.mail.configured) throw new AppError("mail_unavailable", "Mail is not configured on this server.");
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
  if (proof === undefined) throw new AppError(authErrors.token_invalid, invalidLink);
  const { user_id, username } = proof;
  await checkPassword(password, username, "password");
  const hash = await hashPassword(password);
  const [, , , , gone] = await commit(ctx, [
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
  await onSessionsRevoked(ctx, user_id, gone);
}

/** The library's refusals in our words; what is no refusal goes on as it is. */
async function mapBetterAuthErrors(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
    if (status >= 500) throw error;
    throw new AppError(authErrors.token_invalid, invalidLink, { cause: error });
  }
}
