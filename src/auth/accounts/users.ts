import { eq, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { AppError } from "../../kit/errors.ts";
import { rolesOf } from "../credentials.ts";
import { highestRole, permissionsOf, type Permission, type Role } from "../roles.ts";
import { apiKeys, sessions, users } from "../tables.ts";

/** A user as shown to the same user. */
export type User = {
  id: number;
  username: string | null;
  email: string;
  first_name: string;
  last_name: string;
  avatar_url: string | null;
  subscription_status: string;
  is_verified: boolean;
  roles: Role[];
  role_name: Role;
  permissions: Permission[];
  created_at: Date;
};

/** The columns of `users` that a reply needs. */
export function userColumns(ctx: Ctx) {
  return {
    id: users.id,
    username: sql<string | null>`coalesce(${users.display_username}, ${users.username})`,
    email: users.email,
    first_name: users.first_name,
    last_name: users.last_name,
    avatar_url: users.avatar_url,
    subscription_status: ctx.hooks.subscriptionStatus(sql`${users.id}`),
    is_verified: users.email_verified,
    roles: users.roles,
    created_at: users.created_at,
  };
}

/** The columns of `users` that a reply to the same user needs. A role that the address gives depends on the device. */
export function ownUserColumns(ctx: Ctx) {
  return { ...userColumns(ctx), is_since_proof: isSinceProof(ctx) };
}

function isSinceProof({ actor }: Ctx): SQL<boolean> {
  const isLater = (start: SQL) => sql<boolean>`coalesce((${start}) > ${users.email_verified_at}, false)`;
  if (actor.kind === "user") return isLater(sql`select created_at from ${sessions} where ${eq(sessions.id, actor.sessionId)}`);
  if (actor.kind === "key") return isLater(sql`select created_at from ${apiKeys} where ${eq(apiKeys.id, actor.keyId)}`);
  // Somebody who signs in now gets a session that is later.
  return sql<boolean>`${users.email_verified}`;
}

type UserRow = Omit<User, "permissions" | "role_name"> & { is_since_proof: boolean };

/** Makes a user from a row, with the roles that configuration adds. */
export function toUser(ctx: Ctx, { is_since_proof, ...row }: UserRow): User {
  const roles = rolesOf(ctx, { ...row, is_since_proof });
  return { ...row, roles, role_name: highestRole(roles), permissions: permissionsOf(roles) };
}

/** @throws not_found */
export async function getUser(ctx: Ctx, userId: number): Promise<User> {
  const [row] = await ctx.db.select(ownUserColumns(ctx)).from(users).where(eq(users.id, userId));
  if (row === undefined) throw new AppError("not_found", "User not found.");
  return toUser(ctx, row);
}
