import { defineErrors, type ConstraintErrors } from "../kit/errors.ts";

export const authErrors = defineErrors({
  invalid_credentials: { status: 401, title: "Wrong name or password", retryable: false },
  account_banned: { status: 403, title: "Account banned", retryable: false },
  cross_site: { status: 403, title: "Cross-site request refused", retryable: false },
  account_exists: { status: 409, title: "Account exists", retryable: false },
  token_invalid: { status: 422, title: "Token invalid or expired", retryable: false },
});

const userNotFound = { type: "not_found", detail: "There is no such user." } as const;

const accountExists = {
  type: authErrors.account_exists,
  detail: "There is an account with this name or address.",
} as const;

/** What constraints and refusal codes of this feature mean to a client. */
export const constraintErrors = {
  user_email_taken: accountExists,
  user_username_taken: accountExists,
  user_not_found: userNotFound,
  // The owner that a row lacks is gone, whichever row it is.
  "*_user_id_users_id_fk": userNotFound,
  user_outranks_you: { type: "forbidden", detail: "Only a superuser may do this to an administrator." },
  password_needed: { type: authErrors.invalid_credentials, detail: "Give your password." },
  session_not_fresh: { type: "forbidden", detail: "Sign in again, and do this within ten minutes." },
  session_not_found: { type: "not_found", detail: "There is no such session." },
  api_key_not_found: { type: "not_found", detail: "There is no such API key." },
  reset_token_used: {
    type: authErrors.token_invalid,
    detail: "This link is invalid, used, or expired: ask for another.",
  },
} as const satisfies ConstraintErrors;
