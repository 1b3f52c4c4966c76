import * as z from "zod";

/** A kind of failure: what HTTP calls it, and whether the same request can succeed later. */
type FailureKind = { status: number; title: string; retryable: boolean };

/** Every failure a client may see. The codes are the part of a reply that clients may rely on. */
export const failures = {
  malformed_json: { status: 400, title: "Malformed JSON", retryable: false },
  unauthenticated: { status: 401, title: "Authentication required", retryable: false },
  invalid_credentials: { status: 401, title: "Wrong name or password", retryable: false },
  forbidden: { status: 403, title: "Not allowed", retryable: false },
  account_banned: { status: 403, title: "Account banned", retryable: false },
  cross_site: { status: 403, title: "Cross-site request refused", retryable: false },
  insufficient_points: { status: 402, title: "Not enough points", retryable: false },
  not_found: { status: 404, title: "Not found", retryable: false },
  spirit_not_owned: { status: 402, title: "Spirit not owned", retryable: false },
  spirit_locked: { status: 403, title: "Spirit locked", retryable: false },
  method_not_allowed: { status: 405, title: "Method not allowed", retryable: false },
  account_exists: { status: 409, title: "Account exists", retryable: false },
  display_name_taken: { status: 409, title: "Display name taken", retryable: false },
  minion_limit_reached: { status: 409, title: "Minion limit reached", retryable: false },
  model_limit_reached: { status: 409, title: "Model limit reached", retryable: false },
  spirit_limit_reached: { status: 409, title: "Spirit limit reached", retryable: false },
  spirit_already_equipped: { status: 409, title: "Spirit already equipped", retryable: false },
  conflict: { status: 409, title: "Conflicts with what is", retryable: false },
  precondition_failed: { status: 412, title: "Changed meanwhile", retryable: false },
  payload_too_large: { status: 413, title: "Body too large", retryable: false },
  unsupported_media_type: { status: 415, title: "Unsupported media type", retryable: false },
  validation_failed: { status: 422, title: "Invalid input", retryable: false },
  idempotency_key_reused: { status: 422, title: "Idempotency key reused", retryable: false },
  token_invalid: { status: 422, title: "Token invalid or expired", retryable: false },
  upgrade_required: { status: 426, title: "Upgrade required", retryable: false },
  rate_limited: { status: 429, title: "Too many requests", retryable: true },
  context_exceeded: { status: 422, title: "Too long for the model", retryable: false },
  egress_refused: { status: 422, title: "Address refused", retryable: false },
  // No retry of a job reaches the next day.
  allowance_exhausted: { status: 429, title: "Allowance used up", retryable: false },
  provider_rate_limited: { status: 429, title: "Provider asked too often", retryable: true },
  internal: { status: 500, title: "Internal error", retryable: false },
  provider_refused: { status: 502, title: "Provider refused", retryable: false },
  provider_model_missing: { status: 502, title: "Model missing at the provider", retryable: false },
  provider_key_rejected: { status: 502, title: "Key rejected by the provider", retryable: false },
  provider_no_credit: { status: 502, title: "No credit at the provider", retryable: false },
  provider_unavailable: { status: 502, title: "Provider unavailable", retryable: true },
  provider_timed_out: { status: 502, title: "Provider timed out", retryable: true },
  content_filtered: { status: 502, title: "Held back by the provider", retryable: false },
  too_many_steps: { status: 502, title: "Too many steps without an answer", retryable: true },
  provider_not_configured: { status: 503, title: "Provider not configured", retryable: false },
  misconfigured: { status: 503, title: "Server misconfigured", retryable: false },
  database_unavailable: { status: 503, title: "Database unavailable", retryable: true },
  kv_unavailable: { status: 503, title: "Key-value store unavailable", retryable: true },
  mail_unavailable: { status: 503, title: "Mail unavailable", retryable: true },
  realtime_unavailable: { status: 503, title: "Real-time unavailable", retryable: true },
  files_unavailable: { status: 503, title: "Files unavailable", retryable: true },
  allowance_unavailable: { status: 503, title: "Allowance cannot be counted", retryable: true },
  catalog_unavailable: { status: 503, title: "Catalog unavailable", retryable: true },
} as const satisfies Record<string, FailureKind>;

export type FailureCode = keyof typeof failures;

/** With a `path`, where in the body the fault stands, the detail says the rest, without a full stop. */
type Refusal = { code: FailureCode; detail: string; path?: string };

/** What a client is told when the database refuses: by the name of a constraint, or the code given to `refuse`, in this one place. */
export const constraintFailures: Readonly<Record<string, Refusal>> = {
  user_email_taken: { code: "account_exists", detail: "There is an account with this name or address." },
  notification_not_found: { code: "not_found", detail: "There is no such notification." },
  version_changed: { code: "precondition_failed", detail: "It has changed since you read it: read it again." },
  password_needed: { code: "invalid_credentials", detail: "Give your password." },
  session_not_fresh: { code: "forbidden", detail: "Sign in again, and do this within ten minutes." },
  minion_not_binned: { code: "not_found", detail: "There is no such minion of yours in the bin." },
  minion_unknown: { code: "not_found", detail: "There is no such minion." },
  minion_not_found: { code: "not_found", detail: "There is no such minion of yours." },
  minion_limit_reached: { code: "minion_limit_reached", detail: "Your plan allows no more minions." },
  minion_display_name_taken: { code: "display_name_taken", detail: "You have a minion of this display name." },
  model_limit_reached: { code: "model_limit_reached", detail: "You have as many models as anybody may: delete one first." },
  model_not_found: { code: "not_found", detail: "There is no such model of yours." },
  model_display_name_taken: { code: "display_name_taken", detail: "You have a model of this display name." },
  model_key_needed: {
    code: "validation_failed",
    path: "api_key",
    detail: "give it again, since the stored one was meant for another address",
  },
  data_key_taken: { code: "conflict", detail: "Another key of yours was being stored: try again." },
  minion_model_owned: { code: "validation_failed", path: "model", detail: "there is no such model of yours that answers" },
  minion_fallback_owned: {
    code: "validation_failed",
    path: "fallback_models",
    detail: "names a model of yours that is not there, or does not answer",
  },
  minion_fallback_is_model: {
    code: "validation_failed",
    path: "fallback_models",
    detail: "names the model that they stand in for",
  },
  minion_model_is_fallback: {
    code: "validation_failed",
    path: "model",
    detail: "stands in for itself: take it out of `fallback_models`",
  },
  spirit_locked: { code: "spirit_locked", detail: "Your rank has not unlocked this spirit yet." },
  spirit_not_owned: { code: "spirit_not_owned", detail: "You do not own this spirit." },
  spirit_limit_reached: { code: "spirit_limit_reached", detail: "Your plan allows no more spirits on a minion." },
  spirit_already_equipped: { code: "spirit_already_equipped", detail: "This spirit is equipped already." },
  spirit_not_equipped: { code: "not_found", detail: "This spirit is not equipped." },
  traits_exceed_slots: { code: "validation_failed", path: "traits", detail: "the minion's level does not allow so many" },
  traits_exceed_points: {
    code: "validation_failed",
    path: "traits",
    detail: "the minion's rank does not have so many points to spread",
  },
  dataset_not_found: { code: "not_found", detail: "There is no such dataset of yours." },
  dataset_in_use: { code: "conflict", detail: "A job uses it: wait until that is done." },
  dataset_limit_reached: { code: "conflict", detail: "You have as many datasets as anybody may." },
  dataset_bytes_reached: { code: "conflict", detail: "Your datasets would have more bytes than anybody's may: delete some." },
  dataset_uploaded_before: { code: "conflict", detail: "You have a dataset of these bytes." },
  dataset_upload_not_found: { code: "not_found", detail: "There is no such upload of yours." },
  dataset_upload_limit_reached: { code: "conflict", detail: "Too many uploads of yours are under way: end one first." },
  dataset_upload_incomplete: { code: "conflict", detail: "Parts of it are missing." },
  dataset_part_size: { code: "validation_failed", path: "part", detail: "has another size than this part of the file" },
  knowledge_base_not_found: { code: "not_found", detail: "There is no such knowledge base of yours." },
  knowledge_base_name_taken: { code: "conflict", path: "name", detail: "you have a knowledge base of this name" },
  knowledge_base_limit_reached: { code: "conflict", detail: "You have as many knowledge bases as anybody may." },
  knowledge_base_busy: { code: "conflict", detail: "It is being indexed: wait until that is done." },
  knowledge_base_model_owned: {
    code: "conflict",
    detail: "A knowledge base is embedded by this model: delete that first.",
  },
  knowledge_dataset_not_found: { code: "not_found", detail: "This knowledge base has no such dataset." },
  knowledge_build_missing: { code: "conflict", detail: "There is no build before this one." },
  knowledge_base_full: { code: "conflict", detail: "It would be made of more datasets than a knowledge base takes." },
  knowledge_dataset_unknown: {
    code: "validation_failed",
    path: "dataset_ids",
    detail: "names a dataset that is not there for you, or not ready",
  },
  embedding_model_unknown: {
    code: "validation_failed",
    path: "embedding_model",
    detail: "there is no such model of yours that embeds",
  },
  conversation_not_found: { code: "not_found", detail: "There is no such conversation of yours." },
  conversation_limit_reached: { code: "conflict", detail: "You have as many conversations as anybody may: delete some." },
  minion_knowledge_base_owned: {
    code: "validation_failed",
    path: "knowledge_base_id",
    detail: "there is no such knowledge base of yours",
  },
  failed_job_not_found: { code: "not_found", detail: "There is no such failed job." },
  failed_job_of_no_kind: { code: "conflict", detail: "This kind of job is no more, so it cannot be done again." },
  session_not_found: { code: "not_found", detail: "There is no such session." },
  api_key_not_found: { code: "not_found", detail: "There is no such API key." },
  user_not_found: { code: "not_found", detail: "There is no such user." },
  user_outranks_you: { code: "forbidden", detail: "Only a superuser may do this to an administrator." },
  spirit_unknown: { code: "validation_failed", path: "spirit_id", detail: "there is no such spirit" },
  plan_unknown: { code: "validation_failed", path: "plan_id", detail: "there is no such plan" },
  access_expires_after_granted: { code: "validation_failed", path: "expires_at", detail: "is in the past" },
  points_not_negative: { code: "insufficient_points", detail: "There are not enough points." },
  reset_token_used: { code: "token_invalid", detail: "This link is invalid, used, or expired: ask for another." },
  user_username_taken: { code: "account_exists", detail: "There is an account with this name or address." },
};

/** What a constraint, or a code given to `refuse`, means to a client: the owner that a row lacks is gone, whichever row it is. */
export function refusalOf(constraint: string): Refusal | undefined {
  const known = constraint.endsWith("_user_id_users_id_fk") ? "user_not_found" : constraint;
  return constraintFailures[known];
}

/** The parts of a request that can be at fault. */
const parts = ["path", "query", "header", "body"] as const;

/** One fault of the input: where it stands (`spirit_ids.0`), in which part of the request, and what is wrong. */
export type Fault = { path: string; in: (typeof parts)[number]; message: string };

/** Seconds a client is asked to wait before it repeats a request that failed for want of something of ours. */
const retryAfterSeconds = 5;

/** A failure that may be told to the client: `message` is the sentence it reads. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: FailureCode;
  readonly faults: readonly Fault[];
  readonly headers: Readonly<Record<string, string>>;
  /** Members that this failure adds to its problem details. */
  readonly members: Readonly<Record<string, unknown>>;
  /** Seconds for which whoever refused wants to be left alone; 0 where it does not say. */
  readonly waitSeconds: number;

  constructor(
    code: FailureCode,
    detail: string,
    extra: {
      faults?: readonly Fault[];
      headers?: Record<string, string>;
      members?: Record<string, unknown>;
      cause?: unknown;
    } = {},
  ) {
    super(detail, { cause: extra.cause });
    this.code = code;
    this.faults = extra.faults ?? [];
    this.members = extra.members ?? {};
    this.waitSeconds = Number(extra.headers?.["retry-after"] ?? 0);
    this.headers = {
      ...(failures[code].retryable ? { "retry-after": String(retryAfterSeconds) } : {}),
      ...extra.headers,
    };
  }

  get status(): number {
    return failures[this.code].status;
  }

  /** Whether the same work can succeed later. */
  get retryable(): boolean {
    return failures[this.code].retryable;
  }
}

/** An error of a part of ours that clients are told as a failure. */
export abstract class TellableError extends Error {
  abstract get failure(): AppError;
}

/** The 422 that lists every fault of an input. */
export function invalid(faults: readonly Fault[]): AppError {
  const sentence = faults.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
  return new AppError("validation_failed", sentence, { faults });
}

/** What a refusal tells a client: the path first, where it has one. */
export function refusal({ code, detail, path }: Refusal, cause: unknown): AppError {
  if (path === undefined) return new AppError(code, detail, { cause });
  return new AppError(code, `${path}: ${detail}.`, { faults: [{ path, in: "body", message: detail }], cause });
}

/** Problem details (RFC 9457) with our own members, and `success` and `error` for older clients. */
export const Problem = z
  .looseObject({
    type: z.string().meta({ description: "Where the kind of problem is explained" }),
    title: z.string(),
    status: z
      .union([z.int(), z.string()])
      .meta({ description: "HTTP status; the health routes of the spirits say `error` here" }),
    detail: z.string().meta({ description: "What went wrong this time, in a sentence" }),
    code: z.enum(Object.keys(failures) as FailureCode[]),
    request_id: z.string(),
    errors: z
      .array(z.object({ path: z.string(), in: z.enum(parts), message: z.string() }))
      .optional()
      .meta({ description: "Every fault of the input" }),
    success: z.literal(false),
    error: z.string().meta({ description: "Same as `detail`, for older clients" }),
    message: z.string().meta({ description: "Same as `detail`, for older clients" }),
  })
  .meta({ id: "Problem" });

export function problemOf(error: AppError, requestId: string): z.output<typeof Problem> {
  return {
    type: `/problems#${error.code}`,
    title: failures[error.code].title,
    status: error.status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    ...(error.faults.length > 0 ? { errors: [...error.faults] } : {}),
    success: false,
    error: error.message,
    message: error.message,
    ...error.members,
  };
}
