import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { validationError } from "../kit/errors.ts";
import { Semaphore } from "../kit/async/semaphore.ts";

/** The provider ID of password accounts, as better-auth names it. */
export const passwordProvider = "credential";

/** scrypt parameters: N = 2^14, r = 8, p = 5, from OWASP's password storage cheat sheet for 16 MiB. One hash takes about 190 ms. */
const cost = { ln: 14, r: 8, p: 5 };
const keyBytes = 32;
const saltBytes = 16;

/** Hashing blocks the isolate, so at most 2 hashes run at once and at most 16 wait. */
const hashing = new Semaphore(2, 16);

/** A hash that no password matches. Sign-ins to unknown accounts check it, so that they take as long as others. */
const unmatchableHash = `$scrypt$ln=14,r=8,p=5$${"A".repeat(22)}$${"A".repeat(43)}`;

const phc = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");

function derive(password: string, salt: Uint8Array, { ln, r, p }: typeof cost): Promise<Buffer> {
  const options = { N: 2 ** ln, r, p, maxmem: 256 * 2 ** ln * r };
  return hashing.run(
    () =>
      new Promise((resolve, reject) => {
        scrypt(password.normalize("NFKC"), salt, keyBytes, options, (error, key) => (error ? reject(error) : resolve(key)));
      }),
  );
}

/** Hashes a password into PHC form: `$scrypt$ln=14,r=8,p=5$salt$key`. @throws rate_limited if too many hashes wait */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const key = await derive(password, salt, cost);
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(key)}`;
}

/**
 * Checks a password against a stored hash. Takes the same time if there is no hash.
 * @throws rate_limited if too many hashes wait
 */
export async function verifyPassword(password: string, stored: string | null | undefined): Promise<boolean> {
  const [, ln, r, p, salt = "", key = ""] = phc.exec(stored ?? unmatchableHash) ?? phc.exec(unmatchableHash)!;
  const expected = Buffer.from(key, "base64");
  const derived = await derive(password, Buffer.from(salt, "base64"), { ln: Number(ln), r: Number(r), p: Number(p) });
  return stored != null && derived.length === expected.length && timingSafeEqual(derived, expected);
}

const minLength = 10;
const maxLength = 128;

/**
 * Refuses a password that is too short, too long or common, or that contains the username.
 * @throws validation_failed at `path`
 */
export async function checkPassword(password: string, username: string | null, path: string): Promise<void> {
  const fault = await passwordError(password, username?.toLowerCase());
  if (fault !== undefined) throw validationError([{ path, in: "body", message: fault }]);
}

async function passwordError(password: string, username: string | undefined): Promise<string | undefined> {
  const lower = password.toLowerCase();
  if (Array.from(password).length < minLength) return `must have at least ${minLength} characters`;
  if (password.length > maxLength) return `must have at most ${maxLength} characters`;
  if (username !== undefined && username.length >= 3 && lower.includes(username)) return "must not contain the username";
  const { isCommon } = await import("./common-passwords.ts");
  return isCommon(lower) ? "is one of the most common passwords" : undefined;
}
