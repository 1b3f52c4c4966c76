import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { betterAuth } from "better-auth/minimal";
import type { Ctx } from "../context.ts";
import { commit } from "../kit/db/commit.ts";
import { HttpsUrl } from "../kit/http/https-url.ts";
import { cleanPersonName } from "../kit/names.ts";
import { auditRow } from "./audit.ts";
import { maxNameLength } from "./constants.ts";
import { sessionCookie } from "./cookies.ts";
import { providersOf } from "./social-providers.ts";
import { accounts, sessions, users, verifications } from "./tables.ts";

/** The base path of better-auth. */
const libraryPath = "/api/auth";

const times = { createdAt: "created_at", updatedAt: "updated_at" };

/** What a provider says about a person. A name that a form would refuse is cleaned, and a picture that it would refuse is dropped. */
function cleanProfile<T extends { name?: unknown; image?: unknown }>(user: T): T {
  const { name, image } = user;
  return {
    ...user,
    ...(typeof name === "string" ? { name: cleanPersonName(name, maxNameLength) } : {}),
    ...(typeof image === "string" && !HttpsUrl.safeParse(image).success ? { image: null } : {}),
  };
}

/**
 * Creates better-auth on our tables. It handles social sign-in. This module takes about 175 ms to evaluate, so routes import it only
 * when they need it.
 */
export function createBetterAuth(ctx: Ctx) {
  const { env, db } = ctx;
  return betterAuth({
    appName: "Spiritforge",
    baseURL: env.PUBLIC_URL,
    basePath: libraryPath,
    secret: env.AUTH_SECRET,
    trustedOrigins: env.CORS_ORIGINS,
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    logger: { disabled: true },
    database: drizzleAdapter(db, {
      provider: "pg",
      schema: { users, sessions, accounts, verifications },
      transaction: false,
    }),
    advanced: {
      database: { generateId: "serial" },
      ipAddress: { ipAddressHeaders: ["cf-connecting-ip"] },
      cookies: { session_token: { name: sessionCookie, attributes: { secure: true, sameSite: "lax", path: "/" } } },
    },
    user: { modelName: "users", fields: { ...times, emailVerified: "email_verified", image: "avatar_url" } },
    session: {
      modelName: "sessions",
      fields: { ...times, userId: "user_id", expiresAt: "expires_at", ipAddress: "ip_address", userAgent: "user_agent" },
      expiresIn: 30 * 24 * 3600,
      storeSessionInDatabase: true,
    },
    account: {
      modelName: "accounts",
      fields: {
        ...times,
        userId: "user_id",
        accountId: "account_id",
        providerId: "provider_id",
        accessToken: "access_token",
        refreshToken: "refresh_token",
        idToken: "id_token",
        accessTokenExpiresAt: "access_token_expires_at",
        refreshTokenExpiresAt: "refresh_token_expires_at",
      },
      // An existing account is linked only if the provider has verified the email.
      accountLinking: { enabled: true, trustedProviders: [] },
      encryptOAuthTokens: true,
    },
    verification: { modelName: "verifications", fields: { ...times, expiresAt: "expires_at" } },
    socialProviders: providersOf(env),
    databaseHooks: {
      user: {
        update: { before: async (user) => ({ data: cleanProfile(user) }) },
        create: {
          before: async (user) => ({ data: cleanProfile(user) }),
          after: async (user) => {
            const userId = Number(user.id);
            await commit(ctx, [auditRow(ctx, "account.registered", userId), ...ctx.hooks.onUserCreated(ctx, userId)]);
          },
        },
      },
    },
  });
}
