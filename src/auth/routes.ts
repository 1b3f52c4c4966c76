import { Hono, type Context } from "hono";
import { route, type AppEnv } from "../http/route.ts";
import { limited } from "../limits/middleware.ts";
import { changePassword, changeProfile, register, signIn, type SignedIn } from "./accounts/service.ts";
import { sessionSetCookie, deviceCookieFor, readDeviceToken, readCredential } from "./cookies.ts";
import { requirePermission } from "./middleware.ts";
import { resendVerification, forgotPassword, resetPassword, verifyEmail } from "./verification/service.ts";
import * as s from "./schemas.ts";
import { refreshSession, revokeSession } from "./sessions/service.ts";
import { configuredProviders } from "./social-providers.ts";
import { requireUserId, requireSession } from "./current-user.ts";
import { getUser } from "./accounts/users.ts";
import { authErrors } from "./errors.ts";

const ok = { success: true as const };
const tag = "Accounts";
const limit = limited("sign_in");

/** What the clients of the previous server call, at /api/auth. */
export const auth = new Hono<AppEnv>();

/** Browsers are signed in by a cookie, API clients by the token in the body. */
function signedIn(c: Context<AppEnv>, message: string, { token, deviceToken, user }: SignedIn) {
  c.header("set-cookie", sessionSetCookie(token));
  c.header("set-cookie", deviceCookieFor(deviceToken), { append: true });
  return { ...ok, message, token, user };
}

auth.post(
  "/register",
  route(
    {
      id: "register",
      limit,
      summary: "Make an account, and sign this device in",
      description: "The account works at once; a mail asks to prove the address where mail is configured.",
      tag,
      body: s.RegisterBody,
      reply: s.SignedInReply,
      status: 201,
      errors: [authErrors.account_exists, "rate_limited", "database_unavailable"],
    },
    async ({ ctx, c, body }) => {
      return signedIn(c, "Your account is made.", await register(ctx, body, readDeviceToken(c)));
    },
  ),
);

auth.post(
  "/login",
  route(
    {
      id: "login",
      limit,
      summary: "Sign this device in by name or address and password",
      tag,
      body: s.LoginBody,
      reply: s.SignedInReply,
      errors: [authErrors.invalid_credentials, authErrors.account_banned, "rate_limited", "database_unavailable"],
    },
    async ({ ctx, c, body }) => signedIn(c, "You are signed in.", await signIn(ctx, body, readDeviceToken(c))),
  ),
);

auth.post(
  "/logout",
  route(
    {
      id: "logout",
      summary: "Sign this device out",
      tag,
      access: requirePermission("account.read", { sensitive: true }),
      reply: s.Done,
      errors: ["database_unavailable"],
    },
    async ({ ctx, c }) => {
      const { userId, sessionId } = requireSession(ctx);
      await revokeSession(ctx, userId, sessionId);
      c.header("set-cookie", sessionSetCookie(null));
      return { ...ok, message: "You are signed out." };
    },
  ),
);

auth.get(
  "/verify",
  route(
    {
      id: "verifySession",
      summary: "Tell who is signed in",
      tag,
      access: requirePermission("account.read"),
      reply: s.UserMessage,
      errors: ["database_unavailable"],
    },
    async ({ ctx }) => ({ ...ok, message: "You are signed in.", user: await getUser(ctx, requireUserId(ctx)) }),
  ),
);

auth.post(
  "/refresh",
  route(
    {
      id: "refreshSession",
      summary: "Exchange this device's token for a new one",
      description: "The old token is taken for 30 seconds more; one that comes back later signs the device out.",
      tag,
      access: requirePermission("account.read", { sensitive: true }),
      reply: s.TokenReply,
      errors: ["database_unavailable"],
    },
    async ({ ctx, c }) => {
      const token = await refreshSession(ctx, requireSession(ctx).sessionId, readCredential(c, ctx.env.CORS_ORIGINS)!);
      c.header("set-cookie", sessionSetCookie(token));
      return { ...ok, message: "Here is your new token.", token };
    },
  ),
);

auth.post(
  "/forgot-password",
  route(
    {
      id: "forgotPassword",
      limit,
      summary: "Ask for a mail that lets you choose a new password",
      tag,
      body: s.ForgotBody,
      reply: s.Done,
      errors: ["mail_unavailable", "rate_limited", "database_unavailable"],
    },
    async ({ ctx, body }) => {
      await forgotPassword(ctx, body.email);
      return { ...ok, message: "If there is an account with this address, a mail is on its way." };
    },
  ),
);

auth.post(
  "/reset-password",
  route(
    {
      id: "resetPassword",
      limit,
      summary: "Choose a new password with the token of the mail; every device is signed out",
      tag,
      body: s.ResetBody,
      reply: s.Done,
      errors: [authErrors.token_invalid, "rate_limited", "database_unavailable"],
    },
    async ({ ctx, body }) => {
      await resetPassword(ctx, body.token, body.password);
      return { ...ok, message: "Your new password holds. Sign in with it." };
    },
  ),
);

auth.get(
  "/verify-email",
  route(
    {
      id: "verifyEmail",
      limit,
      summary: "Prove an address with the token of the mail",
      tag,
      query: s.VerifyEmailQuery,
      reply: s.Done,
      errors: [authErrors.token_invalid, "database_unavailable"],
    },
    async ({ ctx, query }) => {
      await verifyEmail(ctx, query.token);
      return { ...ok, message: "Your address is confirmed." };
    },
  ),
);

auth.post(
  "/resend-verification",
  route(
    {
      id: "resendVerification",
      limit,
      summary: "Ask again for the mail that proves your address",
      tag,
      access: requirePermission("account.write"),
      reply: s.Done,
      errors: ["mail_unavailable", "database_unavailable"],
    },
    async ({ ctx }) => {
      await resendVerification(ctx, requireUserId(ctx));
      return { ...ok, message: "A mail is on its way." };
    },
  ),
);

auth.get(
  "/profile",
  route(
    {
      id: "getProfile",
      summary: "Get what you say of yourself",
      tag,
      access: requirePermission("account.read"),
      reply: s.UserMessage,
      errors: ["database_unavailable"],
    },
    async ({ ctx }) => ({ ...ok, message: "This is you.", user: await getUser(ctx, requireUserId(ctx)) }),
  ),
);

auth.put(
  "/profile",
  route(
    {
      id: "updateProfile",
      summary: "Change what you say of yourself",
      tag,
      access: requirePermission("account.write"),
      body: s.ProfileBody,
      reply: s.UserMessage,
      errors: ["database_unavailable"],
    },
    async ({ ctx, body }) => ({ ...ok, message: "Changed.", user: await changeProfile(ctx, requireUserId(ctx), body) }),
  ),
);

auth.post(
  "/change-password",
  route(
    {
      id: "changePassword",
      summary: "Change your password; your other devices are signed out",
      tag,
      access: requirePermission("account.write", { sensitive: true }),
      body: s.ChangePasswordBody,
      reply: s.Done,
      errors: [authErrors.invalid_credentials, "rate_limited", "database_unavailable"],
    },
    async ({ ctx, body }) => {
      await changePassword(ctx, requireSession(ctx), body);
      return { ...ok, message: "Your new password holds. Your other devices are signed out." };
    },
  ),
);

auth.get(
  "/health",
  route(
    { id: "getAuthHealth", summary: "Tell how people may sign in here", tag: "Health", reply: s.AuthHealth },
    ({ ctx }) => ({
      ...ok,
      message: "Accounts are being served.",
      status: "operational" as const,
      providers: configuredProviders(ctx.env),
    }),
  ),
);
