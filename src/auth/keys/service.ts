import { and, desc, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { sha256Hex, newSecret } from "../../kit/crypto/hash.ts";
import { commit, commitOnce, idOfNew, assertInTransaction } from "../../kit/db/commit.ts";
import { AppError, validationError } from "../../kit/errors.ts";
import { auditRow } from "../audit.ts";
import { forgetCredential, keyDevice, keyPrefix } from "../credentials.ts";
import type { NewApiKey } from "../schemas.ts";
import { apiKeys } from "../tables.ts";

const shown = {
  id: apiKeys.id,
  name: apiKeys.name,
  prefix: apiKeys.prefix,
  scopes: apiKeys.scopes,
  expires_at: apiKeys.expires_at,
  last_used_at: apiKeys.last_used_at,
  created_at: apiKeys.created_at,
};

/** Characters of a key that its owner is shown later. */
const prefixLength = 10;

/**
 * Makes an API key; the key itself is shown this once.
 * @throws validation_failed for a scope that its owner lacks
 */
export async function createApiKey(ctx: Ctx, userId: number, held: readonly string[], input: NewApiKey) {
  const excess = input.scopes.flatMap((scope, index) =>
    held.includes(scope)
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
  const [rows] = await commitOnce(ctx, [ctx.db.insert(apiKeys).values(row).returning(shown), audit], idOfNew(apiKeys));
  return { api_key: rows[0]!, key };
}

/** An API key as its owner sees it, without the key itself. @throws not_found */
export async function getApiKey(ctx: Ctx, userId: number, keyId: number) {
  const its = and(eq(apiKeys.id, keyId), eq(apiKeys.user_id, userId));
  const [row] = await ctx.db.select(shown).from(apiKeys).where(its);
  if (row === undefined) throw new AppError("not_found", "API key not found.");
  return row;
}

export function listApiKeys(ctx: Ctx, userId: number) {
  return ctx.db.select(shown).from(apiKeys).where(eq(apiKeys.user_id, userId)).orderBy(desc(apiKeys.id));
}

/** @throws not_found */
export async function revokeApiKey(ctx: Ctx, userId: number, keyId: number): Promise<void> {
  const its = and(eq(apiKeys.id, keyId), eq(apiKeys.user_id, userId))!;
  const [, gone] = await commit(ctx, [
    assertInTransaction(ctx.db, sql`exists (select from ${apiKeys} where ${its})`, "api_key_not_found"),
    ctx.db.delete(apiKeys).where(its).returning({ key_hash: apiKeys.key_hash }),
    auditRow(ctx, "api_key.revoked", userId, { api_key_id: keyId }),
  ]);
  ctx.hooks.onDevicesRevoked(ctx, userId, [keyDevice(keyId)]);
  await Promise.all(gone.map(({ key_hash }) => forgetCredential(ctx, key_hash)));
}
