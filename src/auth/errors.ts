import { defineErrors, type ConstraintErrors } from "../kit/errors.ts";
import { freshMinutes, maxApiKeys } from "./constants.ts";

export const authErrors = defineErrors({
  invalid_credentials: { status: 401, title: "Wrong username or password", retryable: false },
  account_banned: { status: 403, title: "Account banned", retryable: false },
  cross_site: { status: 403, title: "Cross-site request refused", retryable: false },
  account_exists: { status: 409, title: "Account already exists", retryable: false },
  token_invalid: { status: 422, title: "Token invalid or expired", retryable: false },
});

const userNotFound = { type: "not_found", detail: "User not found." } as const;

const accountExists = {
  type: authErrors.account_exists,
  detail: "An account with this username or email already exists. Sign in, or choose another username and email.",
} as const;

/** The client errors of this feature's constraints and refusal codes. */
export const constraintErrors = {
  user_email_taken: accountExists,
  user_username_taken: accountExists,
  user_not_found: userNotFound,
  // The owner of the row no longer exists.
  "*_user_id_users_id_fk": userNotFound,
  user_outranks_you: { type: "forbidden", detail: "Only a superuser can change an administrator." },
  password_needed: { type: authErrors.invalid_credentials, detail: "Your password is required. Send it as `password`." },
  session_not_fresh: {
    type: "forbidden",
    detail: `Your session is older than ${freshMinutes} minutes. Sign in again, then repeat the request.`,
  },
  session_not_found: { type: "not_found", detail: "Session not found." },
  api_key_not_found: { type: "not_found", detail: "API key not found." },
  api_key_limit_reached: { type: "conflict", detail: `API key limit reached (${maxApiKeys}). Revoke one first.` },
  session_ended: { type: "unauthenticated", detail: "This session has ended. Sign in again." },
  password_changed_meanwhile: {
    type: "conflict",
    detail: "The password was changed by another request. Sign in with the new password, then try again.",
  },
  account_is_banned: { type: authErrors.account_banned, detail: "This account is banned." },
  sign_in_outdated: { type: authErrors.invalid_credentials, detail: "The username or password is incorrect." },
  email_token_unknown: {
    type: authErrors.token_invalid,
    detail: "This link is invalid or incomplete. Open the whole link from the mail, or request a new one.",
  },
  email_token_used: {
    type: authErrors.token_invalid,
    detail: "This link was already used, or a newer one was. Request a new one if you still need it.",
  },
  email_token_expired: { type: authErrors.token_invalid, detail: "This link has expired. Request a new one." },
  email_token_of_other_address: {
    type: authErrors.token_invalid,
    detail: "This link is for an email address that the account no longer has. Request a new one.",
  },
} as const satisfies ConstraintErrors;
