/** The permissions of users and API keys: `resource.action`. They are also the scopes of API keys. */
export const permissions = [
  "minions.read",
  "minions.write",
  "models.read",
  "models.write",
  "datasets.read",
  "datasets.write",
  "training.read",
  "training.write",
  "chat.use",
  "billing.read",
  "billing.write",
  "account.read",
  "account.write",
  "admin.read",
  "admin.write",
] as const;
export type Permission = (typeof permissions)[number];

export const roles = ["user", "premium", "developer", "admin", "superuser"] as const;
export type Role = (typeof roles)[number];

/** The highest of these roles: `roles` lists them in ascending order. */
export function highestRole(ofRoles: readonly Role[]): Role {
  return roles.findLast((role) => ofRoles.includes(role)) ?? "user";
}

const userPermissions = permissions.filter((permission) => !permission.startsWith("admin."));

/** The permissions of each role. `premium` and `developer` only describe the user and add no permissions. */
const allowed: Record<Role, readonly Permission[]> = {
  user: userPermissions,
  premium: userPermissions,
  developer: userPermissions,
  admin: permissions,
  superuser: permissions,
};

/** Returns the union of the permissions of these roles. */
export function permissionsOf(ofRoles: readonly Role[]): Permission[] {
  return permissions.filter((permission) => ofRoles.some((role) => allowed[role].includes(permission)));
}
