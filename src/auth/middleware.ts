import type { Context } from "hono";
import type { Actor } from "../context.ts";
import type { Access, AppEnv } from "../http/route.ts";
import { AppError } from "../kit/errors.ts";
import { authErrors } from "./errors.ts";
import { rateLimitedGuard } from "../limits/middleware.ts";
import { readCredential } from "./cookies.ts";
import { actorOf, findCredential } from "./credentials.ts";
import type { Permission } from "./roles.ts";

type GuardOptions = {
  /** For passwords, keys, roles and money: reads the credential from Postgres, so that a revocation takes effect at once, and refuses API keys. */
  sensitive?: boolean;
  /** Also accepts the token of the minion whose ID is the path's `id`. */
  minionToken?: boolean;
};

/** Admits callers that have the permission. */
export function requirePermission(permission: Permission, options?: GuardOptions): Access {
  return rateLimitedGuard(permissionGuard(permission, options));
}

/**
 * Recognizes callers that have the permission, and admits everyone else as anonymous. The handler calls `admit` itself, so that it
 * describes an outage as its other failures.
 */
export function recognizeCaller(permission: Permission): Access {
  const guard = permissionGuard(permission);
  return {
    ...guard,
    optional: true,
    async admit(c) {
      try {
        return await guard.admit(c);
      } catch (refusal) {
        if (refusal instanceof AppError && refusal.status < 500) return { kind: "anonymous" };
        throw refusal;
      }
    },
  };
}

function permissionGuard(permission: Permission, { sensitive = false, minionToken = false }: GuardOptions = {}): Access {
  return {
    permission,
    schemes: [
      "session",
      "cookie",
      ...(sensitive ? [] : (["apiKey"] as const)),
      ...(minionToken ? (["minionToken"] as const) : []),
    ],
    async admit(c) {
      const actor = await authenticate(c, sensitive);
      if (sensitive && actor.kind === "key")
        throw new AppError("forbidden", "API keys cannot use this endpoint. Use a session token.");
      if (actor.kind === "minion" && !(minionToken && c.req.param("id") === String(actor.minionId))) {
        throw new AppError("forbidden", "A minion token can only access its own minion.");
      }
      if (!("permissions" in actor) || !actor.permissions.includes(permission)) {
        throw new AppError("forbidden", `This endpoint requires the permission ${permission}.`);
      }
      return actor;
    },
  };
}

/** @throws unauthenticated, account_banned, cross_site */
async function authenticate(c: Context<AppEnv>, fresh: boolean): Promise<Actor> {
  const ctx = c.get("ctx");
  const secret = readCredential(c, ctx.env.CORS_ORIGINS);
  const credential = secret === undefined ? undefined : await findCredential(ctx, secret, fresh);
  if (credential === undefined) {
    const headers = { "www-authenticate": "Bearer" };
    const detail =
      secret === undefined
        ? "Authentication is required. Send a session token or an API key as a bearer token."
        : "This token is unknown, expired or revoked. Sign in again.";
    throw new AppError("unauthenticated", detail, { headers });
  }
  const actor = actorOf(credential);
  c.set("caller", actor);
  if (credential.banned) throw new AppError(authErrors.account_banned, "This account is banned.");
  return actor;
}
