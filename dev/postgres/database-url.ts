import { UserError } from "../user-error.ts";

/**
 * Reads a connection string.
 *
 * `sslmode=require` becomes `verify-full`: pg means the same by both, and warns about the first.
 *
 * @throws UserError, which does not repeat the value, if it is none of PostgreSQL
 */
export function parseDatabaseUrl(value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !["postgres:", "postgresql:"].includes(url.protocol)) {
    throw new UserError("DATABASE_URL is not a PostgreSQL connection string, such as postgres://user:password@host:5432/name.");
  }
  if (url.searchParams.get("sslmode") === "require") url.searchParams.set("sslmode", "verify-full");
  return url;
}

/** Whether the database is one of Neon's, which answers SQL over HTTP itself. */
export function isNeon(url: URL): boolean {
  return url.hostname.endsWith(".neon.tech");
}
