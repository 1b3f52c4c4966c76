import { Hono, type Context } from "hono";
import { route, type AppEnv } from "../http/route.ts";
import { mailLimits } from "../kit/mail-limits.ts";
import { limited } from "../limits/middleware.ts";
import { changePassword, changeProfile, register, signIn, type SignedIn } from "./accounts/service.ts";
import { sessionSetCookie, deviceCookieFor, readDeviceToken, readCredential } from "./cookies.ts";
import { requirePermission } from "./middleware.ts";
import { resendVerification, forgotPassword, resetPassword, verifyEmail } from "./verification/service.ts";
import { registrationPasswordFaults } from "./passwords.ts";
import * as s from "./schemas.ts";
import { endSession } from "./sessions/service.ts";
import { refreshSession } from "./accounts/refresh-session.ts";
import { configuredProviders } from "./social-providers.ts";
import { requireUserId, requireSession } from "./current-user.ts";
import { getUser } from "./accounts/users.ts";
import { authErrors } from "./errors.ts";

const ok = { success: true as const };
const tag = "Accounts";
const limit = limited("sign_in");
const mailLimitText = `An address gets at most one mail in ${mailLimits.cooldownSeconds} seconds and ${mailLimits.perDay} on a UTC day, of all kinds. The reply does not say whether a mail was sent.`;

/** At /api/auth: the routes that clients of the previous server use. */
export const auth = new Hono<AppEnv>();

/** Sets the session cookie for browsers and returns the token for API clients. */
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
      summary: "Create an account and sign in",
      description: "The account works at once. If mail is configured, a mail asks you to verify the email address.",
      tag,
      unknownKeys: "ignoreTopLevel",
      body: s.RegisterBody,
      check: registrationPasswordFaults,
      reply: s.SignedInReply,
      status: 201,
      errors: [authErrors.account_exists, "rate_limited", "database_unavailable"],
    },
    async ({ ctx, c, body }) => {
      return signedIn(c, "Your account was created.", await register(ctx, body, readDeviceToken(c)));
    },
  ),
);

auth.post(
  "/login",
  route(
    {
      id: "login",
      limit,
      summary: "Sign in with a username or email and a password",
      tag,
      unknownKeys: "ignoreTopLevel",
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
      summary: "Sign out",
      tag,
      access: requirePermission("account.read", { sensitive: true }),
      reply: s.Done,
      errors: ["database_unavailable"],
    },
    async ({ ctx, c }) => {
      const { userId, sessionId } = requireSession(ctx);
      await endSession(ctx, userId, sessionId);
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
      summary: "Check the token and get the current user",
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
      summary: "Exchange the session token for a new one",
      description: "The old token stays valid for 30 seconds. Using it after that revokes the session.",
      tag,
      access: requirePermission("account.read", { sensitive: true }),
      reply: s.SignedInReply,
      errors: ["database_unavailable"],
    },
    async ({ ctx, c }) => {
      const { userId, sessionId } = requireSession(ctx);
      const old = readCredential(c, ctx.env.CORS_ORIGINS)!;
      const { token, user } = await refreshSession(ctx, { userId, sessionId }, old);
      c.header("set-cookie", sessionSetCookie(token));
      return { ...ok, message: "Here is your new token.", token, user };
    },
  ),
);

auth.post(
  "/forgot-password",
  route(
    {
      id: "forgotPassword",
      limit,
      summary: "Request a password reset mail",
      description: mailLimitText,
      tag,
      unknownKeys: "ignoreTopLevel",
      body: s.ForgotBody,
      reply: s.Done,
      errors: ["mail_unavailable", "rate_limited", "database_unavailable"],
    },
    async ({ ctx, body }) => {
      await forgotPassword(ctx, body.email);
      return { ...ok, message: "If an account with this email exists, a password reset mail will be sent." };
    },
  ),
);

auth.post(
  "/reset-password",
  route(
    {
      id: "resetPassword",
      limit,
      summary: "Reset your password with the token from the mail and revoke all sessions",
      tag,
      unknownKeys: "ignoreTopLevel",
      body: s.ResetBody,
      reply: s.Done,
      errors: [authErrors.token_invalid, "rate_limited", "database_unavailable"],
    },
    async ({ ctx, body }) => {
      await resetPassword(ctx, body.token, body.password, body.revoke_api_keys);
      const keys = body.revoke_api_keys ? " Your API keys and minion tokens are revoked." : "";
      return { ...ok, message: `Your password was reset.${keys} Sign in with the new password.` };
    },
  ),
);

auth.post(
  "/verify-email",
  route(
    {
      id: "verifyEmail",
      limit,
      summary: "Verify an email address with the token from the mail",
      description: "The link in the mail opens the page /verify-email, whose button sends this request. The token works once.",
      tag,
      body: s.VerifyEmailBody,
      reply: s.Done,
      errors: [authErrors.token_invalid, "database_unavailable"],
    },
    async ({ ctx, body }) => {
      await verifyEmail(ctx, body.token);
      return { ...ok, message: "Your email address is verified." };
    },
  ),
);

auth.post(
  "/resend-verification",
  route(
    {
      id: "resendVerification",
      limit,
      summary: "Resend the verification mail",
      description: mailLimitText,
      tag,
      access: requirePermission("account.write"),
      reply: s.Done,
      errors: ["mail_unavailable", "database_unavailable"],
    },
    async ({ ctx }) => {
      await resendVerification(ctx, requireUserId(ctx));
      return { ...ok, message: "The verification mail will be sent, unless your address got a mail less than a minute ago." };
    },
  ),
);

auth.get(
  "/profile",
  route(
    {
      id: "getProfile",
      summary: "Get your profile",
      tag,
      access: requirePermission("account.read"),
      reply: s.UserMessage,
      errors: ["database_unavailable"],
    },
    async ({ ctx }) => ({ ...ok, message: "This is your profile.", user: await getUser(ctx, requireUserId(ctx)) }),
  ),
);

auth.put(
  "/profile",
  route(
    {
      id: "updateProfile",
      summary: "Update your profile",
      tag,
      access: requirePermission("account.write"),
      unknownKeys: "ignoreTopLevel",
      body: s.ProfileBody,
      reply: s.UserMessage,
      errors: ["database_unavailable"],
    },
    async ({ ctx, body }) => ({
      ...ok,
      message: "Your profile was updated.",
      user: await changeProfile(ctx, requireUserId(ctx), body),
    }),
  ),
);

auth.post(
  "/change-password",
  route(
    {
      id: "changePassword",
      summary: "Change your password and revoke your other sessions",
      tag,
      access: requirePermission("account.write", { sensitive: true }),
      unknownKeys: "ignoreTopLevel",
      body: s.ChangePasswordBody,
      reply: s.Done,
      errors: [authErrors.invalid_credentials, "conflict", "rate_limited", "database_unavailable"],
    },
    async ({ ctx, body }) => {
      await changePassword(ctx, requireSession(ctx), body);
      return { ...ok, message: "Your password was changed. Your other sessions are revoked." };
    },
  ),
);

auth.get(
  "/health",
  route(
    {
      id: "getAuthHealth",
      summary: "Check accounts health and list the sign-in providers",
      tag: "Health",
      reply: s.AuthHealth,
    },
    ({ ctx }) => ({
      ...ok,
      message: "The accounts service is operational.",
      status: "operational" as const,
      providers: configuredProviders(ctx.env),
    }),
  ),
);
