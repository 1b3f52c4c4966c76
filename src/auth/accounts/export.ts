import { eq, getTableColumns, or } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { Ctx } from "../../context.ts";
import { commit, type Statement } from "../../kit/db/commit.ts";
import { auditRow } from "../audit.ts";
import { accounts, apiKeys, auditLog, sessions, users } from "../tables.ts";

/** Returns all data of a user by collection, without secrets. One round trip. */
export async function exportUser(ctx: Ctx, userId: number): Promise<Record<string, Record<string, unknown>[]>> {
  const queries = { ...ownRows(ctx, userId), ...ctx.hooks.exportUser(ctx, userId) };
  const [first, ...others] = Object.values(queries);
  const results = await commit(ctx, [first!, ...others, auditRow(ctx, "account.exported", userId)]);
  return Object.fromEntries(Object.keys(queries).map((name, index) => [name, results[index] as Record<string, unknown>[]]));
}

function ownRows(ctx: Ctx, userId: number): Record<string, Statement> {
  const { token: _token, ...session } = getTableColumns(sessions);
  const { key_hash: _hash, ...key } = getTableColumns(apiKeys);
  const { id, provider_id, account_id, scope, created_at, updated_at } = accounts;
  const isOwn = (table: { user_id: PgColumn }) => eq(table.user_id, userId);
  return {
    user: ctx.db.select().from(users).where(eq(users.id, userId)),
    sessions: ctx.db.select(session).from(sessions).where(isOwn(sessions)),
    sign_ins: ctx.db
      .select({ id, provider_id, account_id, scope, created_at, updated_at })
      .from(accounts)
      .where(isOwn(accounts)),
    api_keys: ctx.db.select(key).from(apiKeys).where(isOwn(apiKeys)),
    audit_log: ctx.db
      .select()
      .from(auditLog)
      .where(or(eq(auditLog.subject_user_id, userId), eq(auditLog.actor_user_id, userId))),
  };
}
