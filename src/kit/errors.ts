/** A kind of error: its code, what HTTP calls it, and whether the same request can succeed later. Clients may rely on the code. */
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

/** The error types that any service may have. Those of a feature stand in its own `errors.ts`. */
export const commonErrors = defineErrors({
  malformed_json: { status: 400, title: "Malformed JSON", retryable: false },
  unauthenticated: { status: 401, title: "Authentication required", retryable: false },
  forbidden: { status: 403, title: "Not allowed", retryable: false },
  not_found: { status: 404, title: "Not found", retryable: false },
  method_not_allowed: { status: 405, title: "Method not allowed", retryable: false },
  conflict: { status: 409, title: "Conflicts with what is", retryable: false },
  precondition_failed: { status: 412, title: "Changed meanwhile", retryable: false },
  payload_too_large: { status: 413, title: "Body too large", retryable: false },
  unsupported_media_type: { status: 415, title: "Unsupported media type", retryable: false },
  validation_failed: { status: 422, title: "Invalid input", retryable: false },
  idempotency_key_reused: { status: 422, title: "Idempotency key reused", retryable: false },
  upgrade_required: { status: 426, title: "Upgrade required", retryable: false },
  rate_limited: { status: 429, title: "Too many requests", retryable: true },
  egress_refused: { status: 422, title: "Address refused", retryable: false },
  internal: { status: 500, title: "Internal error", retryable: false },
  provider_unavailable: { status: 502, title: "Provider unavailable", retryable: true },
  provider_timed_out: { status: 502, title: "Provider timed out", retryable: true },
  misconfigured: { status: 503, title: "Server misconfigured", retryable: false },
  database_unavailable: { status: 503, title: "Database unavailable", retryable: true },
  kv_unavailable: { status: 503, title: "Key-value store unavailable", retryable: true },
  mail_unavailable: { status: 503, title: "Mail unavailable", retryable: true },
  realtime_unavailable: { status: 503, title: "Real-time unavailable", retryable: true },
  files_unavailable: { status: 503, title: "Files unavailable", retryable: true },
});

export type CommonErrorCode = keyof typeof commonErrors;

/** An error type, or the code of a common one. */
export type ErrorTypeOrCode = CommonErrorCode | ErrorType;

/** The error type that a code of a common one stands for. */
export function errorTypeOf(type: ErrorTypeOrCode): ErrorType {
  return typeof type === "string" ? commonErrors[type] : type;
}

/**
 * What a client reads when the database refuses: the error type and its detail. With a `path`, where in the body the fault stands, the
 * detail says the rest, without a full stop.
 */
export type ConstraintError = { readonly type: ErrorTypeOrCode; readonly detail: string; readonly path?: string };

/** By the name of a constraint, or the code given to `refuse`. A name that begins with `*` is that of every constraint with the rest as its end. */
export type ConstraintErrors = Readonly<Record<string, ConstraintError>>;

/** What the codes mean that any feature may give to `refuse`. */
export const commonConstraintErrors = {
  version_changed: { type: "precondition_failed", detail: "It has changed since you read it: read it again." },
} as const satisfies ConstraintErrors;

/** What a constraint, or a code given to `refuse`, means to a client. */
export function constraintErrorFor(constraint: string, errors: ConstraintErrors): ConstraintError | undefined {
  return (
    errors[constraint] ?? Object.entries(errors).find(([name]) => isSuffix(name) && constraint.endsWith(name.slice(1)))?.[1]
  );
}

const isSuffix = (name: string) => name.startsWith("*");

/** The parts of a request that can be at fault. */
export const requestParts = ["path", "query", "header", "body"] as const;

/** One fault of the input: where it stands (`tag_ids.0`), in which part of the request, and what is wrong. */
export type ValidationIssue = { path: string; in: (typeof requestParts)[number]; message: string };

/** Seconds a client is asked to wait before it repeats a request that failed for want of something of ours. */
const retryAfterSeconds = 5;

/** A failure that may be told to the client: `message` is the sentence it reads. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly type: ErrorType;
  readonly issues: readonly ValidationIssue[];
  readonly headers: Readonly<Record<string, string>>;
  /** Members that this failure adds to its problem details. */
  readonly extensions: Readonly<Record<string, unknown>>;
  /** Seconds for which whoever refused wants to be left alone; 0 where it does not say. */
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

  /** Whether the same work can succeed later. */
  get retryable(): boolean {
    return this.type.retryable;
  }
}

/** An error of a part of ours that clients are told as a failure. */
export abstract class PublicError extends Error {
  abstract get failure(): AppError;
}

/** The 422 that lists every fault of an input. */
export function validationError(faults: readonly ValidationIssue[]): AppError {
  const sentence = faults.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
  return new AppError("validation_failed", sentence, { issues: faults });
}

/** The error that a client reads when the database refuses: the path first, where it has one. */
export function constraintError({ type, detail, path }: ConstraintError, cause: unknown): AppError {
  if (path === undefined) return new AppError(type, detail, { cause });
  return new AppError(type, `${path}: ${detail}.`, { issues: [{ path, in: "body", message: detail }], cause });
}

/** Problem details (RFC 9457) with our own members, and `success` and `error` for older clients. */
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
