import { eq, sql, type SQL } from "drizzle-orm";
import { auditRow } from "../auth/audit.ts";
import { forgetCredential, minionTokenPrefix } from "../auth/credentials.ts";
import type { Ctx } from "../context.ts";
import { sha256Hex, newSecret } from "../kit/crypto/hash.ts";
import { commitOnce, assertAllInTransaction } from "../kit/db/commit.ts";
import { minionExists, lockOwnerAndMinion } from "./queries.ts";
import { minions, minionTokens } from "./tables.ts";

/**
 * Creates a token that can access one minion only. Revokes the previous token. The token is shown once.
 * One round trip. @throws not_found
 */
export async function createMinionToken(ctx: Ctx, userId: number, minionId: number): Promise<string> {
  const token = minionTokenPrefix + newSecret();
  const token_hash = await sha256Hex(token);
  const [, , before] = await commitOnce(
    ctx,
    [
      ...lockOwnerAndMinion(ctx, userId, minionId),
      ctx.db.select({ token_hash: minionTokens.token_hash }).from(minionTokens).where(eq(minionTokens.minion_id, minionId)),
      assertAllInTransaction(ctx.db, { minion_not_found: minionExists(userId, minionId) }),
      ctx.db
        .insert(minionTokens)
        .values({ minion_id: minionId, token_hash })
        .onConflictDoUpdate({ target: minionTokens.minion_id, set: { token_hash, created_at: sql`now()` } }),
      auditRow(ctx, "minion.token_created", userId, { minion_id: minionId }),
    ],
    sql<string>`${minionId}::text`,
  );
  for (const old of before) await forgetCredential(ctx, old.token_hash);
  return token;
}

/** The query of the minion and the owner of a token, for authentication. */
export function minionByToken(tokenHash: string): SQL {
  return sql`
    select ${minions.id} as minion_id, ${minions.user_id} as user_id
    from ${minionTokens} join ${minions} on ${minions.id} = ${minionTokens.minion_id}
    where ${eq(minionTokens.token_hash, tokenHash)} and ${minions.deleted_at} is null`;
}

/** The query that deletes the tokens of all minions of a user. */
export function deleteMinionTokens(userId: number): SQL {
  return sql`
    delete from ${minionTokens} where ${minionTokens.minion_id} in (select id from ${minions} where ${eq(minions.user_id, userId)})
    returning token_hash`;
}
