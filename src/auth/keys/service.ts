import { and, desc, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { sha256Hex, newSecret } from "../../kit/crypto/hash.ts";
import { commit, commitOnce, idOfNew, assertInTransaction } from "../../kit/db/commit.ts";
import { AppError, validationError } from "../../kit/errors.ts";
import { auditRow } from "../audit.ts";
import { forgetCredential, keyDevice, keyPrefix } from "../credentials.ts";
import type { NewApiKey } from "../schemas.ts";
import { apiKeys } from "../tables.ts";

const keyColumns = {
  id: apiKeys.id,
  name: apiKeys.name,
  prefix: apiKeys.prefix,
  scopes: apiKeys.scopes,
  expires_at: apiKeys.expires_at,
  last_used_at: apiKeys.last_used_at,
  created_at: apiKeys.created_at,
};

/** Number of characters of a key that later replies show. */
const prefixLength = 10;

/**
 * Creates an API key. Only this result contains the key itself.
 * @throws validation_failed for a scope that the owner does not have
 */
export async function createApiKey(ctx: Ctx, userId: number, permissions: readonly string[], input: NewApiKey) {
  const excess = input.scopes.flatMap((scope, index) =>
    permissions.includes(scope)
      ? []
      : [{ path: `scopes.${index}`, in: "body" as const, message: `you do not have the permission ${scope}` }],
  );
  if (excess.length > 0) throw validationError(excess);
  const key = keyPrefix + newSecret();
  const row = {
    user_id: userId,
    name: input.name,
    prefix: key.slice(0, prefixLength),
    key_hash: await sha256Hex(key),
    scopes: input.scopes,
    expires_at: input.expires_at ?? null,
  };
  const audit = auditRow(ctx, "api_key.created", userId, { name: input.name, scopes: input.scopes });
  const [rows] = await commitOnce(ctx, [ctx.db.insert(apiKeys).values(row).returning(keyColumns), audit], idOfNew(apiKeys));
  return { api_key: rows[0]!, key };
}

/** Returns an API key without the key itself. @throws not_found */
export async function getApiKey(ctx: Ctx, userId: number, keyId: number) {
  const ownKey = and(eq(apiKeys.id, keyId), eq(apiKeys.user_id, userId));
  const [row] = await ctx.db.select(keyColumns).from(apiKeys).where(ownKey);
  if (row === undefined) throw new AppError("not_found", "API key not found.");
  return row;
}

export function listApiKeys(ctx: Ctx, userId: number) {
  return ctx.db.select(keyColumns).from(apiKeys).where(eq(apiKeys.user_id, userId)).orderBy(desc(apiKeys.id));
}

/** @throws not_found */
export async function revokeApiKey(ctx: Ctx, userId: number, keyId: number): Promise<void> {
  const ownKey = and(eq(apiKeys.id, keyId), eq(apiKeys.user_id, userId))!;
  const [, deleted] = await commit(ctx, [
    assertInTransaction(ctx.db, sql`exists (select from ${apiKeys} where ${ownKey})`, "api_key_not_found"),
    ctx.db.delete(apiKeys).where(ownKey).returning({ key_hash: apiKeys.key_hash }),
    auditRow(ctx, "api_key.revoked", userId, { api_key_id: keyId }),
  ]);
  ctx.hooks.onDevicesRevoked(ctx, userId, [keyDevice(keyId)]);
  await Promise.all(deleted.map(({ key_hash }) => forgetCredential(ctx, key_hash)));
}
