import { and, eq, gt, isNull, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { newSecret, sha256Hex } from "../../kit/crypto/hash.ts";
import { assertAllInTransaction, type Statement } from "../../kit/db/commit.ts";
import { AppError } from "../../kit/errors.ts";
import type { EmailTokenPurpose } from "../constants.ts";
import { authErrors, constraintErrors } from "../errors.ts";
import { lockUser } from "../queries.ts";
import { emailTokens, users } from "../tables.ts";

/** The tokens of mailed links. Postgres has their hashes. Looking at a link changes nothing; a POST with its token uses it. */

/** How long a link works, in hours. */
const lifeHours: Record<EmailTokenPurpose, number> = { verify_email: 24, reset_password: 1 };

/** A new token and the statement that stores it. */
export async function createEmailToken(
  { db }: Ctx,
  purpose: EmailTokenPurpose,
  { userId, email }: { userId: number; email: string },
): Promise<{ token: string; row: Statement }> {
  const token = newSecret();
  const expires_at = sql`now() + make_interval(hours => ${lifeHours[purpose]})`;
  const row = db
    .insert(emailTokens)
    .values({ token_hash: await sha256Hex(token), user_id: userId, purpose, email, expires_at });
  return { token, row };
}

/** A token that works now, and the statements that use it. */
export type LiveToken = {
  userId: number;
  username: string | null;
  /** The first statements of the commit: they lock the user and the token, and fail if it does not work any more. */
  use: [Statement, Statement, Statement, Statement];
};

/** Finds a token that works now. One round trip. @throws token_invalid, with the reason */
export async function findEmailToken(ctx: Ctx, purpose: EmailTokenPurpose, token: string): Promise<LiveToken> {
  const { db } = ctx;
  const ofToken = and(eq(emailTokens.token_hash, await sha256Hex(token)), eq(emailTokens.purpose, purpose))!;
  const isOfAddress = sql<boolean>`${emailTokens.email} = ${users.email}`;
  const isLive = and(ofToken, isNull(emailTokens.used_at), gt(emailTokens.expires_at, sql`now()`))!;
  const [row] = await db
    .select({
      user_id: users.id,
      username: users.username,
      used_at: emailTokens.used_at,
      is_expired: sql<boolean>`${emailTokens.expires_at} <= now()`,
      is_of_address: isOfAddress,
    })
    .from(emailTokens)
    .innerJoin(users, eq(users.id, emailTokens.user_id))
    .where(ofToken);
  const fault = faultOf(row);
  if (fault !== undefined) throw new AppError(authErrors.token_invalid, constraintErrors[fault].detail);
  const { user_id, username } = row!;
  const stillWorks = sql`exists (select from ${emailTokens} join ${users} on ${users.id} = ${emailTokens.user_id}
    where ${isLive} and ${isOfAddress})`;
  return {
    userId: user_id,
    username,
    use: [
      lockUser(ctx, user_id),
      db.select({ hash: emailTokens.token_hash }).from(emailTokens).where(ofToken).for("update"),
      assertAllInTransaction(db, { email_token_used: stillWorks }),
      expireEmailTokens(ctx, user_id, purpose),
    ],
  };
}

type Found = { used_at: Date | null; is_expired: boolean; is_of_address: boolean };

function faultOf(row: Found | undefined) {
  if (row === undefined) return "email_token_unknown";
  if (row.used_at !== null) return "email_token_used";
  if (row.is_expired) return "email_token_expired";
  return row.is_of_address ? undefined : "email_token_of_other_address";
}

/** The statement that makes all links of a purpose used: one of them was, or what they are for was done in another way. */
export function expireEmailTokens({ db }: Ctx, userId: number, purpose: EmailTokenPurpose): Statement {
  return db
    .update(emailTokens)
    .set({ used_at: sql`now()` })
    .where(and(eq(emailTokens.user_id, userId), eq(emailTokens.purpose, purpose), isNull(emailTokens.used_at)));
}
