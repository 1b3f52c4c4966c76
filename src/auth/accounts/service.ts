import { and, eq, ne, or, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { newSecret } from "../../kit/crypto/hash.ts";
import { commit } from "../../kit/db/commit.ts";
import { AppError } from "../../kit/errors.ts";
import { authErrors, constraintErrors } from "../errors.ts";
import { admitSignIn, rememberDevice, signInSucceeded, signInWithdrawn } from "../../limits/sign-in.ts";
import { auditRow } from "../audit.ts";
import { checkPassword, hashPassword, passwordProvider, verifyPassword } from "../passwords.ts";
import { verificationStatements } from "../verification/service.ts";
import type { ProfileChange, Registration, SignIn } from "../schemas.ts";
import { revokedSessionColumns, onSessionsRevoked, sessionRow } from "../sessions/service.ts";
import { accounts, sessions, users } from "../tables.ts";
import { userColumns, toUser, type User } from "./users.ts";

/** The result of a sign-in. Only this reply contains the token. */
export type SignedIn = { token: string; user: User; deviceToken: string };

/**
 * Creates an account with a password and a session, in one commit with the rows of other features.
 * Two round trips: the user ID, then the commit.
 * @throws account_exists, for the username or the email; validation_failed for the password
 */
export async function register(ctx: Ctx, input: Registration, knownDevice: string | null): Promise<SignedIn> {
  const { username: displayName, email, password, first_name, last_name } = input;
  const username = displayName.toLowerCase();
  await checkPassword(password, username, "password");
  const taken = ctx.db.$count(users, or(eq(users.email, email), eq(users.username, username)));
  const [reserved] = await ctx.db
    .select({ id: sql<number>`nextval(pg_get_serial_sequence('users', 'id'))::int`, taken })
    .from(sql`(select 1) as once`);
  const { id, taken: count } = reserved!;
  if (count > 0) throw accountExists();
  const hash = await hashPassword(password);
  const token = newSecret();
  const name = [first_name, last_name].filter(Boolean).join(" ") || displayName;
  const [, , , rows] = await commit(ctx, [
    ctx.db.insert(users).values({ id, username, display_username: displayName, email, name, first_name, last_name }),
    ctx.db.insert(accounts).values({ user_id: id, account_id: String(id), provider_id: passwordProvider, password: hash }),
    sessionRow(ctx, id, token),
    ctx.db.select(userColumns(ctx)).from(users).where(eq(users.id, id)),
    auditRow(ctx, "account.registered", id),
    ...verificationStatements(ctx, id),
    ...ctx.hooks.onUserCreated(ctx, id),
  ]);
  const deviceToken = knownDevice ?? newSecret();
  for (const identifier of [username, email]) rememberDevice(ctx, identifier, deviceToken);
  return { token, user: toUser(ctx, rows[0]!), deviceToken };
}

/**
 * Signs in with a username or email and a password, in two round trips. Neither the message nor the response time shows whether
 * the account exists.
 * @param knownDevice the device token of the browser, if it has signed in before
 * @throws invalid_credentials, account_banned; rate_limited after too many failures, before the password is hashed
 */
export async function signIn(
  ctx: Ctx,
  { username: identifier, password }: SignIn,
  knownDevice: string | null,
): Promise<SignedIn> {
  const normalized = identifier.trim().toLowerCase();
  const found = await asSignInAttempt(ctx, normalized, knownDevice, () => findByPassword(ctx, normalized, password));
  if (found === undefined) throw new AppError(authErrors.invalid_credentials, "The username or password is incorrect.");
  const { banned_at, password: _password, ...row } = found;
  if (banned_at !== null) throw new AppError(authErrors.account_banned, "This account is banned.");
  const token = newSecret();
  await commit(ctx, [sessionRow(ctx, row.id, token), auditRow(ctx, "account.signed_in", row.id)]);
  const deviceToken = knownDevice ?? newSecret();
  for (const name of [row.username?.toLowerCase(), row.email]) if (name !== undefined) rememberDevice(ctx, name, deviceToken);
  return { token, user: toUser(ctx, row), deviceToken };
}

/**
 * Runs a password check as one sign-in attempt. The attempt counts as failed before the hash is computed. It is taken back if the
 * password is right or the check throws.
 */
async function asSignInAttempt<T>(
  ctx: Ctx,
  identifier: string,
  knownDevice: string | null,
  check: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const ticket = await admitSignIn(ctx, identifier, knownDevice);
  try {
    const result = await check();
    if (result !== undefined) signInSucceeded(ctx, ticket);
    return result;
  } catch (error) {
    signInWithdrawn(ctx, ticket);
    throw error;
  }
}

/** Returns the account of a username or email if the password is right. Takes the same time if the account does not exist. */
async function findByPassword(ctx: Ctx, identifier: string, password: string) {
  const [found] = await ctx.db
    .select({ ...userColumns(ctx), banned_at: users.banned_at, password: accounts.password })
    .from(users)
    .leftJoin(accounts, and(eq(accounts.user_id, users.id), eq(accounts.provider_id, passwordProvider)))
    .where(eq(identifier.includes("@") ? users.email : users.username, identifier));
  return (await verifyPassword(password, found?.password)) ? found : undefined;
}

/** The identifier of the sign-in gate for password checks of a signed-in user. */
export const signInGateName = (userId: number) => `account ${userId}`;

/** Checks the password of a signed-in user again. @throws invalid_credentials, rate_limited */
export async function confirmPassword(
  ctx: Ctx,
  userId: number,
  password: string,
  stored: string | null | undefined,
): Promise<void> {
  const isCorrect = await asSignInAttempt(ctx, signInGateName(userId), null, async () =>
    (await verifyPassword(password, stored)) ? true : undefined,
  );
  if (isCorrect === undefined) throw new AppError(authErrors.invalid_credentials, "The current password is incorrect.");
}

/**
 * Changes the password of an account and revokes its other sessions.
 * @throws invalid_credentials if the current password is wrong; validation_failed for the new password
 */
export async function changePassword(
  ctx: Ctx,
  { userId, sessionId }: { userId: number; sessionId: number },
  input: { current_password: string; new_password: string },
): Promise<void> {
  const [account] = await ctx.db
    .select({ id: accounts.id, password: accounts.password, username: users.username })
    .from(users)
    .leftJoin(accounts, and(eq(accounts.user_id, users.id), eq(accounts.provider_id, passwordProvider)))
    .where(eq(users.id, userId));
  await confirmPassword(ctx, userId, input.current_password, account?.password);
  if (account?.id == null)
    throw new AppError(authErrors.invalid_credentials, 'This account has no password. Set one with "Forgot password".');
  await checkPassword(input.new_password, account.username, "new_password");
  const hash = await hashPassword(input.new_password);
  const [, deletedSessions] = await commit(ctx, [
    ctx.db
      .update(accounts)
      .set({ password: hash, updated_at: sql`now()` })
      .where(eq(accounts.id, account.id)),
    ctx.db
      .delete(sessions)
      .where(and(eq(sessions.user_id, userId), ne(sessions.id, sessionId)))
      .returning(revokedSessionColumns),
    auditRow(ctx, "account.password_changed", userId),
  ]);
  await onSessionsRevoked(ctx, userId, deletedSessions);
}

/** Updates a user's profile, in one round trip. */
export async function changeProfile(ctx: Ctx, userId: number, change: ProfileChange): Promise<User> {
  const [rows] = await commit(ctx, [
    ctx.db
      .update(users)
      .set({ ...change, updated_at: sql`now()` })
      .where(eq(users.id, userId))
      .returning(userColumns(ctx)),
    auditRow(ctx, "account.profile_changed", userId, { fields: Object.keys(change) }),
  ]);
  return toUser(ctx, rows[0]!);
}

function accountExists(): AppError {
  const { type, detail } = constraintErrors.user_email_taken;
  return new AppError(type, detail);
}
