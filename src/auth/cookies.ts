import { authErrors } from "./errors.ts";
import { AppError } from "../kit/errors.ts";
import type { Context } from "hono";
import { generateCookie, getCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";

/** The session cookie of a browser. `__Host-` limits it to this host, to HTTPS, and to the path `/`. */
export const sessionCookie = "__Host-spiritforge";

/** This cookie identifies a browser that has signed in before. Such a browser has its own budget of sign-in attempts. */
const deviceCookie = "__Host-spiritforge-device";

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

const day = 24 * 3600;

/** The lifetimes of the session cookie and the device cookie, in seconds. */
const sessionSeconds = 30 * day;
const deviceSeconds = 365 * day;

const attributes: CookieOptions = { path: "/", secure: true, httpOnly: true, sameSite: "Lax" };

/** Makes the `Set-Cookie` value of a session. Without a token it deletes the cookie. */
export function sessionSetCookie(token: string | null): string {
  return generateCookie(sessionCookie, token ?? "", { ...attributes, maxAge: token === null ? 0 : sessionSeconds });
}

/**
 * Returns the token or key of a request, from the `Authorization` header, else from the cookie.
 * @throws cross_site if another site sends an unsafe request with the cookie
 */
export function readCredential(c: Context, origins: readonly string[]): string | undefined {
  const request = c.req.raw;
  const authorization = request.headers.get("authorization");
  if (authorization !== null) return /^bearer +(\S+)$/i.exec(authorization)?.[1];
  const token = readTokenCookie(c, sessionCookie)?.split(".", 1)[0];
  if (token && !safeMethods.has(request.method) && !isTrustedOrigin(request, origins, false)) {
    throw new AppError(authErrors.cross_site, "Cookies are refused on changes from other sites. Send a bearer token instead.");
  }
  return token || undefined;
}

/** Makes the `Set-Cookie` value of the device cookie. */
export function deviceCookieFor(token: string): string {
  return generateCookie(deviceCookie, token, { ...attributes, maxAge: deviceSeconds });
}

/** Returns the device token of the browser, if it has signed in before. */
export function readDeviceToken(c: Context): string | null {
  return readTokenCookie(c, deviceCookie) ?? null;
}

/** A cookie that can be a token: printable ASCII without spaces. A cookie is percent-decoded, and Postgres refuses NUL in a text. */
function readTokenCookie(c: Context, name: string): string | undefined {
  const value = getCookie(c, name);
  return value !== undefined && /^[!-~]+$/.test(value) ? value : undefined;
}

/**
 * Returns whether the origin of a request is ours or an allowed one. Browsers send `Origin` with every unsafe request and every
 * WebSocket.
 * @param withoutOrigin the result for a request without `Origin`, which no browser sends
 */
export function isTrustedOrigin(request: Request, origins: readonly string[], withoutOrigin: boolean): boolean {
  const origin = request.headers.get("origin");
  return origin === null ? withoutOrigin : origin === new URL(request.url).origin || origins.includes(origin);
}
