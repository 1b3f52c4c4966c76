import { authErrors } from "./errors.ts";
import { AppError } from "../kit/errors.ts";
import type { Context } from "hono";
import { generateCookie, getCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";

/** The cookie of a browser's session. `__Host-` ties it to this host, to https, and to every path. */
export const sessionCookie = "__Host-spiritforge";

/** The cookie by which a browser that signed in before is known again, whoever else tries the same account. */
const deviceCookie = "__Host-spiritforge-device";

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

const day = 24 * 3600;

/** Seconds that a browser keeps its session, and its being known. */
const sessionSeconds = 30 * day;
const deviceSeconds = 365 * day;

const attributes: CookieOptions = { path: "/", secure: true, httpOnly: true, sameSite: "Lax" };

/** A `Set-Cookie` that signs a browser in, or, without a token, out. */
export function sessionSetCookie(token: string | null): string {
  return generateCookie(sessionCookie, token ?? "", { ...attributes, maxAge: token === null ? 0 : sessionSeconds });
}

/**
 * The token or key that a request bears: in its Authorization, else in its cookie.
 * @throws cross_site where a cookie comes with a change from a page of another site
 */
export function readCredential(c: Context, origins: readonly string[]): string | undefined {
  const request = c.req.raw;
  const authorization = request.headers.get("authorization");
  if (authorization !== null) return /^bearer +(\S+)$/i.exec(authorization)?.[1];
  const token = getCookie(c, sessionCookie)?.split(".", 1)[0];
  if (token && !safeMethods.has(request.method) && !isTrustedOrigin(request, origins, false)) {
    throw new AppError(authErrors.cross_site, "Cookies are refused on changes from other sites. Send a bearer token instead.");
  }
  return token || undefined;
}

/** A `Set-Cookie` by which this browser is known again. */
export function deviceCookieFor(token: string): string {
  return generateCookie(deviceCookie, token, { ...attributes, maxAge: deviceSeconds });
}

/** What this browser is known by, if it signed in before. */
export function readDeviceToken(c: Context): string | null {
  return getCookie(c, deviceCookie) || null;
}

/**
 * Whether a request comes from a page of ours, or of an origin that is listed. Browsers name the page's origin on every change and
 * every socket.
 * @param unnamed what is said of a request that names none, which is no browser's
 */
export function isTrustedOrigin(request: Request, origins: readonly string[], unnamed: boolean): boolean {
  const origin = request.headers.get("origin");
  return origin === null ? unnamed : origin === new URL(request.url).origin || origins.includes(origin);
}
