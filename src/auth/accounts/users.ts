import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { AppError } from "../../kit/errors.ts";
import { rolesOf } from "../credentials.ts";
import { permissionsOf, type Permission, type Role } from "../roles.ts";
import { users } from "../tables.ts";

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

type UserRow = Omit<User, "permissions">;

/** Makes a user from a row, with the roles that configuration adds. */
export function toUser(ctx: Ctx, row: UserRow): User {
  const roles = rolesOf(ctx, { roles: row.roles, email: row.email, email_verified: row.is_verified });
  return { ...row, roles, permissions: permissionsOf(roles) };
}

/** @throws not_found */
export async function getUser(ctx: Ctx, userId: number): Promise<User> {
  const [row] = await ctx.db.select(userColumns(ctx)).from(users).where(eq(users.id, userId));
  if (row === undefined) throw new AppError("not_found", "User not found.");
  return toUser(ctx, row);
}
