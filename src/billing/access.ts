import { and, asc, eq, inArray, sql, type SQL, type SQLWrapper } from "drizzle-orm";
import { auditRow } from "../auth/audit.ts";
import { users } from "../auth/tables.ts";
import { plans, planSpirits, spirits } from "../catalog/tables.ts";
import type { Actor, Ctx } from "../context.ts";
import { commit, commitOnce, assertInTransaction } from "../kit/db/commit.ts";
import { AppError } from "../kit/errors.ts";
import type { Access, Grant, GrantInput } from "./schemas.ts";
import { spiritAccess, userSpiritAccess } from "./tables.ts";

/**
 * Lists the spirits that a user can use now, with the source of each right. One round trip.
 * @throws not_found if the user does not exist or the caller may not see them
 */
export async function listAccess(ctx: Ctx, userId: number): Promise<Access[]> {
  const noUser = () => new AppError("not_found", "User not found.");
  if (!maySee(ctx.actor, userId)) throw noUser();
  const { spirit_id, access_type, source, granted_at, expires_at } = spiritAccess;
  const [found, rows] = await commit(ctx, [
    ctx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)),
    ctx.db
      .select({ spirit_id, access_type, source, granted_at, expires_at })
      .from(spiritAccess)
      .where(eq(spiritAccess.user_id, userId))
      .orderBy(asc(spirit_id), asc(granted_at), asc(source)),
  ]);
  if (found.length === 0) throw noUser();
  return rows;
}

function maySee(actor: Actor, userId: number): boolean {
  if (actor.kind === "system") return true;
  return actor.kind !== "anonymous" && (actor.userId === userId || actor.permissions.includes("admin.read"));
}

/**
 * Grants a user a spirit, or the current spirits of a plan, as an admin. Granting again replaces the previous grant. One round trip.
 * @throws not_found for an unknown user, validation_failed for an unknown or inactive spirit or plan
 */
export async function grantAccess(ctx: Ctx, userId: number, input: GrantInput): Promise<Grant[]> {
  const { spirit_id, plan_id, reason } = input;
  const expiresAt = input.expires_at?.toISOString() ?? null;
  const grantReference = spirit_id === undefined ? `plan:${plan_id}` : `spirit:${spirit_id}`;
  const isGranted = and(
    spirits.is_active,
    spirit_id === undefined ? inArray(spirits.id, spiritsOfPlan(ctx, plan_id!)) : eq(spirits.id, spirit_id),
  );
  const { user_id, source, reference, granted_at, expires_at } = userSpiritAccess;
  const grants = ctx.db
    .select({
      user_id: sql<number>`${userId}::int`.as("user_id"),
      spirit_id: spirits.id,
      source: sql<"admin">`'admin'`.as("source"),
      reference: sql<string>`${grantReference}::text`.as("reference"),
      granted_at: sql<Date>`now()`.as("granted_at"),
      expires_at: sql<Date | null>`${expiresAt}::timestamptz`.as("expires_at"),
      revoked_at: sql<Date | null>`null::timestamptz`.as("revoked_at"),
    })
    .from(spirits)
    .where(isGranted)
    .orderBy(asc(spirits.id));
  const [, rows] = await commitOnce(
    ctx,
    [
      assertInTransaction(
        ctx.db,
        sql`exists (${ctx.db.select({ id: spirits.id }).from(spirits).where(isGranted)})`,
        spirit_id === undefined ? "plan_unknown" : "spirit_unknown",
      ),
      ctx.db
        .insert(userSpiritAccess)
        .select(grants)
        .onConflictDoUpdate({
          target: [user_id, userSpiritAccess.spirit_id, source, reference],
          set: { granted_at: sql`excluded.granted_at`, expires_at: sql`excluded.expires_at`, revoked_at: null },
        })
        .returning({ spirit_id: userSpiritAccess.spirit_id, source, reference, granted_at, expires_at }),
      auditRow(ctx, "access.granted", userId, { given: grantReference, expires_at: expiresAt, reason }),
    ],
    sql<string>`${grantReference}`,
  );
  return rows.toSorted((a, b) => a.spirit_id - b.spirit_id);
}

/** Lists the spirits of one admin grant. @param grantReference `spirit:<id>` or `plan:<id>`, as `grantAccess` writes it */
export async function listGrants(ctx: Ctx, userId: number, grantReference: string): Promise<Grant[]> {
  const { user_id, spirit_id, source, reference, granted_at, expires_at } = userSpiritAccess;
  return ctx.db
    .select({ spirit_id, source, reference, granted_at, expires_at })
    .from(userSpiritAccess)
    .where(and(eq(user_id, userId), eq(source, "admin"), eq(reference, grantReference)))
    .orderBy(asc(spirit_id));
}

function spiritsOfPlan(ctx: Ctx, planId: number) {
  return ctx.db
    .select({ id: planSpirits.spirit_id })
    .from(planSpirits)
    .innerJoin(plans, eq(plans.id, planSpirits.plan_id))
    .where(and(eq(plans.id, planId), plans.is_active));
}

/** A query expression: whether a user can use a spirit now. */
export function hasAccess(userId: number, spiritId: SQLWrapper): SQL<boolean> {
  const { user_id, spirit_id } = spiritAccess;
  return sql<boolean>`exists (select from ${spiritAccess} where ${user_id} = ${userId} and ${spirit_id} = ${spiritId})`;
}
