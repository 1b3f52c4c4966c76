import { and, desc, eq, ilike, lt, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commit, assertInTransaction } from "../../kit/db/commit.ts";
import { containsPattern } from "../../kit/db/search-text.ts";
import { AppError } from "../../kit/errors.ts";
import { paginate, type PageQueryOutput } from "../../kit/http/zod-schemas.ts";
import { auditRow } from "../audit.ts";
import { forgetCredential } from "../credentials.ts";
import { lockUser } from "../queries.ts";
import { roles, type Role } from "../roles.ts";
import { evictTokens } from "../sessions/service.ts";
import { apiKeys, auditLog, sessions, users } from "../tables.ts";
import { userColumns } from "../accounts/users.ts";

/** Only a superuser can grant or revoke these roles, or change users who have them. */
const protectedRoles: readonly Role[] = ["admin", "superuser"];

const adminColumns = (ctx: Ctx) => ({ ...userColumns(ctx), banned_at: users.banned_at, ban_reason: users.ban_reason });

/** Lists users, newest first. `q` matches part of a username, name or email. One round trip. */
export async function listUsers(ctx: Ctx, { q, limit, cursor }: PageQueryOutput & { q?: string | undefined }) {
  const words = q === undefined ? undefined : containsPattern(q);
  const matching =
    words === undefined ? undefined : or(ilike(users.username, words), ilike(users.email, words), ilike(users.name, words));
  const [rows, [count]] = await commit(ctx, [
    ctx.db
      .select(adminColumns(ctx))
      .from(users)
      .where(and(matching, before(users.id, cursor)))
      .orderBy(desc(users.id))
      .limit(limit + 1),
    ctx.db
      .select({ total: sql<number>`count(*)::int` })
      .from(users)
      .where(matching),
  ]);
  const { items, ...next } = paginate(rows, limit);
  return { users: items, total: count!.total, ...next };
}

/** @throws not_found */
export async function getUserAsAdmin(ctx: Ctx, userId: number) {
  const [row] = await ctx.db.select(adminColumns(ctx)).from(users).where(eq(users.id, userId));
  if (row === undefined) throw new AppError("not_found", "User not found.");
  return row;
}

/** Replaces a user's roles. @throws not_found; forbidden if only a superuser can do this */
export async function setRoles(ctx: Ctx, userId: number, newRoles: Role[]) {
  const ordered = roles.filter((role) => newRoles.includes(role));
  if (ordered.some((role) => protectedRoles.includes(role))) requireSuperuser(ctx);
  return changeUser(ctx, userId, { roles: ordered }, "user.roles_changed", { roles: ordered });
}

/** Bans a user and revokes all sessions. @throws not_found; forbidden if only a superuser can do this */
export async function banUser(ctx: Ctx, userId: number, reason: string) {
  return changeUser(ctx, userId, { banned_at: sql`coalesce(${users.banned_at}, now())`, ban_reason: reason }, "user.banned", {
    reason,
  });
}

/** @throws not_found; forbidden if only a superuser can do this */
export async function unbanUser(ctx: Ctx, userId: number) {
  return changeUser(ctx, userId, { banned_at: null, ban_reason: null }, "user.unbanned", {});
}

/** Lists the audit log, newest first. One round trip. */
export async function listAudit(ctx: Ctx, { user_id, limit, cursor }: PageQueryOutput & { user_id?: number | undefined }) {
  const about =
    user_id === undefined ? undefined : or(eq(auditLog.actor_user_id, user_id), eq(auditLog.subject_user_id, user_id));
  const [rows, [count]] = await commit(ctx, [
    ctx.db
      .select()
      .from(auditLog)
      .where(and(about, before(auditLog.id, cursor)))
      .orderBy(desc(auditLog.id))
      .limit(limit + 1),
    ctx.db
      .select({ total: sql<number>`count(*)::int` })
      .from(auditLog)
      .where(about),
  ]);
  const { items, ...next } = paginate(rows, limit);
  return { entries: items, total: count!.total, ...next };
}

const before = (id: typeof users.id | typeof auditLog.id, cursor: number | undefined): SQL | undefined =>
  cursor === undefined ? undefined : lt(id, cursor);

function requireSuperuser(ctx: Ctx): void {
  if (!isSuperuser(ctx))
    throw new AppError("forbidden", `Only a superuser can grant the roles ${protectedRoles.join(" and ")}.`);
}

function isSuperuser({ actor }: Ctx): boolean {
  return actor.kind === "user" && actor.roles.includes("superuser");
}

type UserChange = Partial<Record<"roles" | "banned_at" | "ban_reason", Role[] | SQL | string | null>>;

/** Checks the user and the caller's rights, changes the user, deletes the sessions on a ban, and writes the audit entry, in one commit. */
async function changeUser(
  ctx: Ctx,
  userId: number,
  change: UserChange,
  action: Parameters<typeof auditRow>[1],
  details: Record<string, unknown>,
) {
  const ofUser = eq(users.id, userId);
  const ranks = sql`array[${sql.join(
    protectedRoles.map((role) => sql`${role}`),
    sql`, `,
  )}]::text[]`;
  const [, , , rows, keys, tokens] = await commit(ctx, [
    lockUser(ctx, userId),
    assertInTransaction(ctx.db, sql`exists (select from ${users} where ${ofUser})`, "user_not_found"),
    assertInTransaction(
      ctx.db,
      isSuperuser(ctx)
        ? sql`true`
        : sql`not exists (select from ${users} where ${ofUser} and (${users.roles} && ${ranks}
            or (${users.email_verified} and ${users.email} = ${ctx.env.SUPERUSER_EMAIL})))`,
      "user_outranks_you",
    ),
    ctx.db
      .update(users)
      .set({ ...change, updated_at: sql`now()` } as Record<string, SQL>)
      .where(ofUser)
      .returning(adminColumns(ctx)),
    ctx.db.select({ key_hash: apiKeys.key_hash }).from(apiKeys).where(eq(apiKeys.user_id, userId)),
    action === "user.banned"
      ? ctx.db.delete(sessions).where(eq(sessions.user_id, userId)).returning({ token: sessions.token })
      : ctx.db.select({ token: sessions.token }).from(sessions).where(eq(sessions.user_id, userId)),
    auditRow(ctx, action, userId, details),
  ]);
  if (action === "user.banned") ctx.hooks.onDevicesRevoked(ctx, userId, "all");
  await Promise.all([evictTokens(ctx, tokens), ...keys.map(({ key_hash }) => forgetCredential(ctx, key_hash))]);
  return rows[0]!;
}
