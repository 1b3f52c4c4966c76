/** What a person or a key may do: `resource.action`. These are the scopes of API keys too. */
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

const ownThings = permissions.filter((permission) => !permission.startsWith("admin."));

/** What each role allows. `premium` and `developer` say how people use us, and are no privilege over others. */
const allowed: Record<Role, readonly Permission[]> = {
  user: ownThings,
  premium: ownThings,
  developer: ownThings,
  admin: permissions,
  superuser: permissions,
};

/** Everything that these roles allow together. */
export function permissionsOf(held: readonly Role[]): Permission[] {
  return permissions.filter((permission) => held.some((role) => allowed[role].includes(permission)));
}
