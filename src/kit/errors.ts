/** An error type: its code, HTTP status and title, and whether the same request can succeed later. Clients may rely on the code. */
export type ErrorType<Code extends string = string> = {
  readonly code: Code;
  readonly status: number;
  readonly title: string;
  readonly retryable: boolean;
};

/** Declares error types by their codes. */
export function defineErrors<const Code extends string>(
  types: Readonly<Record<Code, Omit<ErrorType, "code">>>,
): { readonly [C in Code]: ErrorType<C> } {
  const entries = Object.entries<Omit<ErrorType, "code">>(types);
  return Object.fromEntries(entries.map(([code, type]) => [code, { code, ...type }])) as { [C in Code]: ErrorType<C> };
}

/** The error types that any feature may use. A feature declares its own error types in its `errors.ts`. */
export const commonErrors = defineErrors({
  malformed_json: { status: 400, title: "Malformed JSON", retryable: false },
  unauthenticated: { status: 401, title: "Authentication required", retryable: false },
  forbidden: { status: 403, title: "Not allowed", retryable: false },
  not_found: { status: 404, title: "Not found", retryable: false },
  method_not_allowed: { status: 405, title: "Method not allowed", retryable: false },
  conflict: { status: 409, title: "Conflict", retryable: false },
  precondition_failed: { status: 412, title: "Version changed", retryable: false },
  payload_too_large: { status: 413, title: "Body too large", retryable: false },
  unsupported_media_type: { status: 415, title: "Unsupported media type", retryable: false },
  validation_failed: { status: 422, title: "Invalid input", retryable: false },
  idempotency_key_reused: { status: 422, title: "Idempotency key reused", retryable: false },
  upgrade_required: { status: 426, title: "Upgrade required", retryable: false },
  rate_limited: { status: 429, title: "Too many requests", retryable: true },
  egress_refused: { status: 422, title: "URL not allowed", retryable: false },
  internal: { status: 500, title: "Internal error", retryable: false },
  provider_unavailable: { status: 502, title: "Provider unavailable", retryable: true },
  provider_timed_out: { status: 502, title: "Provider timed out", retryable: true },
  misconfigured: { status: 503, title: "Server misconfigured", retryable: false },
  database_unavailable: { status: 503, title: "Database unavailable", retryable: true },
  kv_unavailable: { status: 503, title: "Key-value store unavailable", retryable: true },
  mail_unavailable: { status: 503, title: "Mail service unavailable", retryable: true },
  realtime_unavailable: { status: 503, title: "Real-time service unavailable", retryable: true },
  files_unavailable: { status: 503, title: "File storage unavailable", retryable: true },
});

export type CommonErrorCode = keyof typeof commonErrors;

/** An error type, or the code of a common one. */
export type ErrorTypeOrCode = CommonErrorCode | ErrorType;

/** The error type of a common code. */
export function errorTypeOf(type: ErrorTypeOrCode): ErrorType {
  return typeof type === "string" ? commonErrors[type] : type;
}

/**
 * The error that a client gets when a constraint is violated. `path` names the invalid field of the body; the detail then follows the
 * path, and has no full stop.
 */
export type ConstraintError = { readonly type: ErrorTypeOrCode; readonly detail: string; readonly path?: string };

/** Errors by the name of the constraint, or by the code passed to `refuse`. A name with a leading `*` matches every constraint that ends with the rest. */
export type ConstraintErrors = Readonly<Record<string, ConstraintError>>;

/** Errors for the codes that any feature may pass to `refuse`. */
export const commonConstraintErrors = {
  version_changed: {
    type: "precondition_failed",
    detail: "The resource has changed since you read it. Read it again, then repeat the change.",
  },
} as const satisfies ConstraintErrors;

/** The error for a constraint, or for a code passed to `refuse`. */
export function constraintErrorFor(constraint: string, errors: ConstraintErrors): ConstraintError | undefined {
  return (
    errors[constraint] ?? Object.entries(errors).find(([name]) => isSuffix(name) && constraint.endsWith(name.slice(1)))?.[1]
  );
}

const isSuffix = (name: string) => name.startsWith("*");

/** The parts of a request that are validated. */
export const requestParts = ["path", "query", "header", "body"] as const;

/** One fault of the input: the path of the value (`tag_ids.0`), the part of the request, and a message. */
export type ValidationIssue = { path: string; in: (typeof requestParts)[number]; message: string };

/** The `Retry-After` of retryable errors, in seconds. */
const retryAfterSeconds = 5;

/** A failure that the client may see. `message` becomes the `detail` of its problem details. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly type: ErrorType;
  readonly issues: readonly ValidationIssue[];
  readonly headers: Readonly<Record<string, string>>;
  /** Additional members of the problem details. */
  readonly extensions: Readonly<Record<string, unknown>>;
  /** Seconds to wait before a retry, if the `retry-after` header says so; else 0. */
  readonly retryAfterSeconds: number;

  constructor(
    type: ErrorTypeOrCode,
    detail: string,
    extra: {
      issues?: readonly ValidationIssue[];
      headers?: Record<string, string>;
      extensions?: Record<string, unknown>;
      cause?: unknown;
    } = {},
  ) {
    super(detail, { cause: extra.cause });
    this.type = errorTypeOf(type);
    this.issues = extra.issues ?? [];
    this.extensions = extra.extensions ?? {};
    this.retryAfterSeconds = Number(extra.headers?.["retry-after"] ?? 0);
    this.headers = {
      ...(this.type.retryable ? { "retry-after": String(retryAfterSeconds) } : {}),
      ...extra.headers,
    };
  }

  get code(): string {
    return this.type.code;
  }

  get status(): number {
    return this.type.status;
  }

  /** Whether the same request can succeed later. */
  get retryable(): boolean {
    return this.type.retryable;
  }
}

/** The 500 for an error that nobody expected. Its message is not shown to clients. */
export function unexpectedError(cause: unknown): AppError {
  return new AppError("internal", "An unexpected error occurred on the server.", { cause });
}

/** An error with an `AppError` for clients. */
export abstract class PublicError extends Error {
  abstract get failure(): AppError;
}

/** Maximum faults in a reply. A body can have thousands, and the reply would be many times its size. */
const maxFaults = 100;

/** The 422 that lists every fault of an input, up to 100. */
export function validationError(faults: readonly ValidationIssue[]): AppError {
  const issues = faults.slice(0, maxFaults);
  const sentences = issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  if (faults.length > maxFaults) sentences.push(`and ${faults.length - maxFaults} more faults`);
  return new AppError("validation_failed", sentences.join("; "), { issues });
}

/** The error that a client gets for a violated constraint. If it has a path, the detail starts with the path. */
export function constraintError({ type, detail, path }: ConstraintError, cause: unknown): AppError {
  if (path === undefined) return new AppError(type, detail, { cause });
  return new AppError(type, `${path}: ${detail}.`, { issues: [{ path, in: "body", message: detail }], cause });
}

/** Problem details (RFC 9457) with extension members, and `success`, `error` and `message` for older clients. */
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  errors?: ValidationIssue[];
  success: false;
  error: string;
  message: string;
};

export function problemOf(error: AppError, requestId: string): Problem {
  return {
    type: `/problems#${error.code}`,
    title: error.type.title,
    status: error.status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    ...(error.issues.length > 0 ? { errors: [...error.issues] } : {}),
    success: false,
    error: error.message,
    message: error.message,
    ...error.extensions,
  };
}
