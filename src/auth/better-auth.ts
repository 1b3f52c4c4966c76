import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { betterAuth } from "better-auth/minimal";
import type { Ctx } from "../context.ts";
import { commit } from "../kit/db/commit.ts";
import { auditRow } from "./audit.ts";
import { sessionCookie } from "./cookies.ts";
import { hashPassword, verifyPassword } from "./passwords.ts";
import { providersOf } from "./social-providers.ts";
import { accounts, sessions, users, verifications } from "./tables.ts";

/** The base path of better-auth. */
const libraryPath = "/api/auth";

const times = { createdAt: "created_at", updatedAt: "updated_at" };

/** The content of a mail: a token that verifies the address of the recipient. */
export type EmailToken = { userId: number; email: string; name: string; token: string };

function noMailer(): never {
  throw new Error("better-auth sent a mail that no caller requested.");
}

/**
 * Creates better-auth on our tables. It handles mail verification, password resets and social sign-in. This module takes about
 * 175 ms to evaluate, so routes import it only when they need it.
 * @param mail receives the token to mail
 */
export function createBetterAuth(ctx: Ctx, mail: (proof: EmailToken) => void = noMailer) {
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
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: 1,
      maxPasswordLength: 1_000,
      password: { hash: hashPassword, verify: ({ hash, password }) => verifyPassword(password, hash) },
      resetPasswordTokenExpiresIn: 3_600,
      sendResetPassword: async ({ user, token }) => mail({ ...user, userId: Number(user.id), token }),
    },
    emailVerification: {
      expiresIn: 24 * 3600,
      sendVerificationEmail: async ({ user, token }) => mail({ ...user, userId: Number(user.id), token }),
      afterEmailVerification: async (user) => {
        await commit(ctx, [auditRow(ctx, "account.email_verified", Number(user.id))]);
      },
    },
    databaseHooks: {
      user: {
        create: {
          after: async (user) => {
            const userId = Number(user.id);
            await commit(ctx, [auditRow(ctx, "account.registered", userId), ...ctx.hooks.onUserCreated(ctx, userId)]);
          },
        },
      },
    },
  });
}
