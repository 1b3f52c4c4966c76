import { errorTypes } from "../../src/errors.ts";
import { maxBodyBytes } from "../../src/http/body.ts";
import type { ErrorType } from "../../src/kit/errors.ts";

type Explanation = { cause: string; remedy: string };

/** Why each error happens, and what a client can do about it. Every code has one. HTML. */
const explanations: Readonly<Record<string, Explanation>> = {
  malformed_json: {
    cause: "The body is empty, is not valid JSON, or is not UTF-8.",
    remedy: "Send valid JSON encoded as UTF-8.",
  },
  unauthenticated: {
    cause: "The request has no token, or its token is unknown, expired or revoked.",
    remedy:
      "Sign in with <code>POST /api/auth/login</code>, or create an API key, and send it as <code>Authorization: Bearer …</code>.",
  },
  invalid_credentials: {
    cause: "The username, email address or password is wrong.",
    remedy: "Check both, or reset the password with <code>POST /api/auth/forgot-password</code>.",
  },
  forbidden: {
    cause: "The token is valid, but it does not have the permission for this operation.",
    remedy:
      "Use a token with that permission. Some operations require a session token instead of an API key, or a recent sign-in.",
  },
  account_banned: {
    cause: "An administrator has banned this account.",
    remedy: "Contact the operator of the server.",
  },
  cross_site: {
    cause: "A browser sent a change with the session cookie from an origin that the server does not allow.",
    remedy:
      "Send the token in the <code>Authorization</code> header, or ask the operator to add your origin to <code>CORS_ORIGINS</code>.",
  },
  insufficient_points: {
    cause: "The account has fewer points than the operation costs.",
    remedy: "Earn or get more points first.",
  },
  not_found: {
    cause: "The path or the resource does not exist, or the resource belongs to another user.",
    remedy: "Check the path and the IDs in it. List the resources to see which ones you own.",
  },
  spirit_not_owned: {
    cause: "The account has no access to this spirit.",
    remedy:
      "Get the spirit, a bundle with it, or a subscription plan first. <code>GET /api/v2/spirits</code> shows the prices.",
  },
  spirit_locked: {
    cause: "The rank of the user is too low for this spirit.",
    remedy: "Reach the rank that the spirit requires, or choose another spirit.",
  },
  method_not_allowed: {
    cause: "The path exists, but it does not support this HTTP method.",
    remedy: "Use a method from the <code>Allow</code> header of the reply.",
  },
  account_exists: {
    cause: "An account with this username or email address exists.",
    remedy: "Sign in, or choose another username or email address.",
  },
  display_name_taken: {
    cause: "You have another model or minion with this display name.",
    remedy: "Choose another display name.",
  },
  minion_limit_reached: {
    cause: "You have as many minions as your plan allows.",
    remedy: "Delete a minion, or change to a larger plan.",
  },
  model_limit_reached: {
    cause: "You have reached the limit of models for one user.",
    remedy: "Delete a model first.",
  },
  spirit_limit_reached: {
    cause: "The minion has as many spirits as your plan allows.",
    remedy: "Remove a spirit from the minion, or change to a larger plan.",
  },
  spirit_already_equipped: {
    cause: "The minion has this spirit.",
    remedy: "Do nothing: the spirit is equipped.",
  },
  conflict: {
    cause: "The request does not fit the current state: for example, a job is running, a name is taken, or a limit is reached.",
    remedy: "Read <code>detail</code>. Change the state that it names, or wait until the job ends, then try again.",
  },
  precondition_failed: {
    cause: "The resource has changed since the version in <code>If-Match</code>.",
    remedy: "Read the resource again, apply your change to it, and send the new version.",
  },
  payload_too_large: {
    cause: `The body is larger than the endpoint accepts. JSON bodies have at most ${maxBodyBytes.toLocaleString("en")} bytes.`,
    remedy: "Send a smaller body. Upload large datasets in parts with <code>POST /api/v2/datasets/uploads</code>.",
  },
  unsupported_media_type: {
    cause: "The endpoint does not accept the <code>Content-Type</code> of the body, or the type of the file.",
    remedy: "Send <code>application/json</code>, or a file of a type that the reference lists.",
  },
  validation_failed: {
    cause: "A value in the path, query, headers or body is missing or invalid.",
    remedy: "Correct the values that <code>errors</code> lists. Each entry has the path of the value and the reason.",
  },
  idempotency_key_reused: {
    cause: "This <code>Idempotency-Key</code> was used with a different request.",
    remedy: "Use a new key for each new request.",
  },
  token_invalid: {
    cause: "The token from a mail or a sign-in provider is wrong, used or expired.",
    remedy: "Request a new mail, or start the sign-in again.",
  },
  upgrade_required: {
    cause: "The endpoint requires a WebSocket upgrade.",
    remedy: "Connect with a WebSocket client.",
  },
  rate_limited: {
    cause: "The client sent too many requests.",
    remedy: "Wait for the seconds in <code>Retry-After</code>. <code>RateLimit-Policy</code> names the limit.",
  },
  context_exceeded: {
    cause: "The message is too long for the context window of the model.",
    remedy: "Send a shorter message, or use a model with a larger context window.",
  },
  egress_refused: {
    cause: "The server does not call this URL: for example, it is a private address, or it does not use HTTPS.",
    remedy:
      "Use a public HTTPS URL. In development, the operator can allow a local server with <code>EGRESS_ALLOWED_HOSTS</code>.",
  },
  allowance_exhausted: {
    cause: "You have used the daily allowance of the built-in models.",
    remedy: "Wait until the next day (UTC), or use a model with your own API key.",
  },
  provider_rate_limited: {
    cause: "The model provider limits the rate of requests, and this one was over the limit.",
    remedy: "Wait for the seconds in <code>Retry-After</code>, or raise your limit at the provider.",
  },
  internal: {
    cause: "An unexpected error occurred on the server.",
    remedy: "Report it with the <code>request_id</code> of the reply.",
  },
  provider_refused: {
    cause: "The model provider rejected the request.",
    remedy: "Read <code>detail</code>, then check the settings of the model and the base URL.",
  },
  provider_model_missing: {
    cause: "The provider does not have this model, or your key has no access to it.",
    remedy: "Choose a model from <code>GET /api/v2/external-models/providers/{provider}/models</code>.",
  },
  provider_key_rejected: {
    cause: "The provider does not accept the API key of the model.",
    remedy: "Create a new key at the provider, and update the model with it.",
  },
  provider_no_credit: {
    cause: "Your account at the provider has no credit.",
    remedy: "Add credit at the provider, or use another model.",
  },
  provider_unavailable: {
    cause: "The model provider cannot be reached, or it returned an error or an invalid response.",
    remedy: "Try again later, or set <code>fallback_models</code> for the minion.",
  },
  provider_timed_out: {
    cause: "The model provider did not answer in time.",
    remedy: "Try again, or use a faster model.",
  },
  content_filtered: {
    cause: "The content filter of the provider blocked the answer.",
    remedy: "Change the message, or use another model.",
  },
  too_many_steps: {
    cause: "The minion reached the limit of tool steps without an answer.",
    remedy: "Try again, ask for less in one message, or turn off tools.",
  },
  provider_not_configured: {
    cause: "The server has no configuration for this provider, or it cannot decrypt the stored API key.",
    remedy: "Set the API key of the model again, or ask the operator to configure the provider.",
  },
  misconfigured: {
    cause: "A setting of the server is missing or invalid.",
    remedy: "The operator finds the names of the settings in the log. See <code>docs/configuration.md</code>.",
  },
  database_unavailable: {
    cause: "Postgres does not answer.",
    remedy: "Try again after the seconds in <code>Retry-After</code>.",
  },
  kv_unavailable: {
    cause: "The key-value store does not answer.",
    remedy: "Try again after the seconds in <code>Retry-After</code>.",
  },
  mail_unavailable: {
    cause: "The server cannot send mail, or mail is not configured.",
    remedy: "Try again later. The operator configures mail with <code>RESEND_API_KEY</code> and <code>MAIL_FROM</code>.",
  },
  realtime_unavailable: {
    cause: "The service for conversations and notifications does not answer.",
    remedy: "Try again after the seconds in <code>Retry-After</code>.",
  },
  files_unavailable: {
    cause: "The file storage does not answer.",
    remedy: "Try again after the seconds in <code>Retry-After</code>.",
  },
  allowance_unavailable: {
    cause: "The server cannot check the daily allowance.",
    remedy: "Try again after the seconds in <code>Retry-After</code>, or use a model with your own API key.",
  },
  catalog_unavailable: {
    cause: "The catalog of spirits, tools and classes cannot be loaded.",
    remedy: "Try again after the seconds in <code>Retry-After</code>.",
  },
};

function rowsOf(types: readonly ErrorType[]): string[] {
  const unknown = Object.keys(explanations).filter((explained) => !types.some(({ code }) => code === explained));
  if (unknown.length > 0) throw new Error(`Explanations of unknown error codes: ${unknown.join(", ")}`);
  return types.map(({ code, status, title, retryable }) => {
    const explanation = explanations[code];
    if (explanation === undefined) throw new Error(`The error code ${code} has no explanation.`);
    const cells = [`<code>${code}</code>`, status, title, explanation.cause, explanation.remedy, retryable ? "yes" : "no"];
    return `<tr id="${code}">${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
}

/**
 * Renders the page that explains every error code.
 * @throws an error for a code without an explanation, and for an explanation without a code
 */
export const renderProblemsPage = (types: readonly ErrorType[] = errorTypes): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spiritforge error codes</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/reference/pages.css">
</head>
<body>
<h1>Error codes</h1>
<p>Every failed request has one of these codes in <code>code</code>. Clients can rely on the codes; texts can change. <code>detail</code> says what went wrong in this request. If the last column says yes, the same request can succeed later.</p>
<table>
<thead><tr><th>Code</th><th>Status</th><th>Title</th><th>Cause</th><th>What to do</th><th>Retry</th></tr></thead>
<tbody>
${rowsOf(types).join("\n")}
</tbody>
</table>
</body>
</html>
`;
