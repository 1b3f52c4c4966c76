import { randomBytes } from "node:crypto";
import { appendFileSync, chmodSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";

/** Settings that differ by instance: they are not secrets of the project, and stand in the instance's own file. */
const INSTANCE_SETTINGS = new Set(["DATABASE_URL", "NEON_PROXY"]);

/** Keys that a vendor gives: absent until the developer has one. A random value would have the Worker call the vendor. */
const VENDOR_KEYS = new Set([
  "RESEND_API_KEY",
  "GITHUB_CLIENT_ID",
  "GITHUB_CLIENT_SECRET",
  "GOOGLE_CLIENT_ID",
  "GOOGLE_CLIENT_SECRET",
]);

/**
 * Gives each setting that `example` names a development value in `file`, unless it has a value there: the one of `example`, else a
 * random secret. The file is made if need be, readable by its owner alone.
 *
 * @returns the names that were added
 */
export function ensureSecrets(file: string, example: string): string[] {
  const settings = Object.entries(parseEnv(readFileSync(example, "utf8"))).filter(
    ([name]) => !INSTANCE_SETTINGS.has(name) && !VENDOR_KEYS.has(name),
  );
  const text = readIfThere(file);
  const known = parseEnv(text);
  const missing = settings.filter(([name]) => !known[name]);
  if (missing.length === 0) return [];
  const lines = missing.map(([name, value]) => `${name}=${value || developmentSecret()}\n`);
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  appendFileSync(file, separator + lines.join(""), { mode: 0o600 });
  chmodSync(file, 0o600);
  return missing.map(([name]) => name);
}

/** 32 random bytes. Production refuses a value that begins with `dev-`. */
function developmentSecret(): string {
  return `dev-${randomBytes(32).toString("base64url")}`;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
