import type { APICallError } from "@ai-sdk/provider";
import { EgressError } from "../../kit/egress/fetch.ts";
import { AppError, PublicError } from "../../kit/errors.ts";
import { boundedWait, secondsToWait } from "../../kit/http/retry-after.ts";
import { allowanceErrors, contextErrors, providerErrors } from "../errors.ts";
import type { ProviderIdentity } from "../constants.ts";
import { contextOverflowIn } from "../vendor-errors/context-overflow.ts";
import { namedParameter, readVendorError, readVendorErrorJson } from "../vendor-errors/read-error.ts";

/** What the gateway does after a failed attempt: wait and retry the same model, try the next one, or end the call. */
type Action = "wait" | "next" | "end";

/**
 * The failures of a provider, each with its action. A failure of one candidate moves on to the next one. A failure of the request or
 * of the key ends the call, because an answer of another model would hide it and cost more.
 */
export const providerFailures = {
  rate_limited: { action: "wait", sentence: "rate limited us. Try again in a moment." },
  no_credit: { action: "next", sentence: "has no credit left for this key's account. Add credit with the provider." },
  unavailable: { action: "next", sentence: "is unavailable. Try again later." },
  timed_out: { action: "next", sentence: "did not respond in time. Try again." },
  model_missing: {
    action: "next",
    sentence: "has no model with this ID at this address. Check the model ID and the base URL.",
  },
  not_configured: { action: "next", sentence: "is not configured on this server." },
  key_rejected: { action: "end", sentence: "rejected the API key, or the key lacks a permission. Check the key." },
  refused: { action: "end", sentence: "refused the request. Check the model and its settings." },
  context_exceeded: {
    action: "end",
    sentence: "refused the request because it is longer than the context window of the model.",
  },
  // Failures of this server: the operator limits what they pay for. The user may pay for the next model.
  allowance_exhausted: { action: "next", sentence: "is used up for today: you reached your daily allowance." },
  allowance_unavailable: {
    action: "next",
    sentence: "cannot be called now because your allowance cannot be checked. Try again.",
  },
} as const satisfies Record<string, { action: Action; sentence: string }>;

export type ProviderFailure = keyof typeof providerFailures;

/** A failure of this server, not of the provider. */
export type AllowanceFailure = Extract<ProviderFailure, `allowance_${string}`>;

/** The error code that clients receive. */
export type ProviderFailureCode =
  | `provider_${Exclude<ProviderFailure, AllowanceFailure | "context_exceeded">}`
  | AllowanceFailure
  | "context_exceeded";

const errorTypes = { ...providerErrors, ...allowanceErrors, ...contextErrors };

/**
 * A failed request to a provider. Its message is for the user and contains no text of the vendor, which may repeat a key or a prompt.
 * For the same reason, it has no SDK error as its cause.
 */
export class ProviderError extends PublicError {
  override readonly name = "ProviderError";
  readonly kind: ProviderFailure;
  /** The name of the provider. */
  readonly provider: string;
  /** The HTTP status of the vendor; null if it did not respond. */
  readonly status: number | null;
  /** The `Retry-After` of the vendor; null if it sent none. */
  readonly retryAfterSeconds: number | null;
  /** The context window that the vendor named, in tokens; null if it named none. */
  readonly contextLength: number | null;

  constructor(
    kind: ProviderFailure,
    { name, display_name }: ProviderIdentity,
    {
      status = null,
      retryAfterSeconds = null,
      contextLength = null,
      detail,
    }: Partial<Pick<ProviderError, "status" | "retryAfterSeconds" | "contextLength">> & { detail?: string } = {},
  ) {
    super(detail ?? `${display_name} ${providerFailures[kind].sentence}`);
    this.kind = kind;
    this.provider = name;
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
    this.contextLength = contextLength;
  }

  /** The error code for clients. */
  get code(): ProviderFailureCode {
    return isQuotaError(this.kind) || this.kind === "context_exceeded" ? this.kind : `provider_${this.kind}`;
  }

  override get failure(): AppError {
    const seconds = ["rate_limited", "allowance_exhausted"].includes(this.kind) ? this.retryAfterSeconds : null;
    return new AppError(
      errorTypes[this.code],
      this.message,
      seconds === null ? {} : { headers: { "retry-after": `${Math.ceil(seconds)}` } },
    );
  }
}

export function isQuotaError(kind: ProviderFailure): kind is AllowanceFailure {
  return kind === "allowance_exhausted" || kind === "allowance_unavailable";
}

/** The fields of an SDK error or of an error in a stream. The latter is not an `Error`, but the JSON of the vendor. */
type Reported = Partial<Omit<APICallError, "name">> & {
  name?: string;
  type?: unknown;
  code?: unknown;
  status?: unknown;
  data?: unknown;
};

/** The HTTP status of vendor error names, for streams that started with 200. */
const statusOfName: ReadonlyMap<unknown, number> = new Map([
  ["authentication_error", 401],
  ["invalid_api_key", 401],
  ["permission_error", 403],
  ["not_found_error", 404],
  ["model_not_found", 404],
  ["request_too_large", 413],
  ["invalid_request_error", 400],
  ["rate_limit_error", 429],
  ["rate_limit_exceeded", 429],
  ["insufficient_quota", 402],
  ["overloaded_error", 529],
]);

/** Errors that the SDK throws before it sends a request. */
const refusedBySdk = new Set([
  "AI_UnsupportedFunctionalityError",
  "AI_InvalidPromptError",
  "AI_InvalidArgumentError",
  "AI_TooManyEmbeddingValuesForCallError",
]);

/** Converts any error to a ProviderError. */
export function providerError(error: unknown, provider: ProviderIdentity): ProviderError {
  if (error instanceof ProviderError) return error;
  if (error instanceof AppError) return new ProviderError("refused", provider, { detail: error.message });
  if (error instanceof EgressError) return ofEgress(error, provider);
  const reported = typeof error === "object" && error !== null ? (error as Reported) : {};
  if (refusedBySdk.has(reported.name ?? "")) return new ProviderError("refused", provider);
  const status = statusOf(reported);
  const said =
    reported.responseBody === undefined
      ? readVendorErrorJson(reportedFields(reported))
      : readVendorError(reported.responseBody);
  const overflow = status === 401 || status === 403 || status === 429 ? undefined : contextOverflowIn(said);
  if (overflow !== undefined) return new ProviderError("context_exceeded", provider, { status, contextLength: overflow.limit });
  const kind = status === null ? "unavailable" : kindOf(status, reported.responseBody ?? "");
  const parameter = kind === "refused" ? namedParameter(said) : undefined;
  return new ProviderError(kind, provider, {
    status,
    retryAfterSeconds: retryAfter(reported.responseHeaders ?? {}),
    ...(parameter === undefined
      ? {}
      : {
          detail: `${provider.display_name} refused the request because of \`${parameter}\`. Check this setting of the model.`,
        }),
  });
}

/** The fields of an error without a response: the JSON of the vendor in a stream, or an SDK error that holds it. */
function reportedFields({ message, type, code, data }: Reported): object {
  return { message, type, code, ...(typeof data === "object" && data !== null ? { error: data } : {}) };
}

/** Converts an error of the egress guard. Its refusals are permanent. */
function ofEgress(error: EgressError, provider: ProviderIdentity): ProviderError {
  const { reason, message } = error;
  const status = error.status ?? null;
  if (reason === "timed_out") return new ProviderError("timed_out", provider, { status });
  if (reason === "unreachable") return new ProviderError("unavailable", provider, { status });
  if (reason === "unresolved") return new ProviderError("unavailable", provider, { detail: message });
  return new ProviderError("refused", provider, { status, detail: message });
}

function statusOf({ statusCode, status, code, type }: Reported): number | null {
  const number = [statusCode, status, Number(code)].find((value) => Number.isInteger(value)) as number | undefined;
  if (number !== undefined && number >= 300 && number < 600) return number;
  // A malformed response with status 200 counts as no response.
  return statusOfName.get(code) ?? statusOfName.get(type) ?? null;
}

function kindOf(status: number, body: string): ProviderFailure {
  // Google answers 400 to a wrong key, OpenAI 429 to an empty account.
  if (status === 401 || status === 403 || (status === 400 && body.includes("API_KEY_INVALID"))) return "key_rejected";
  if (status === 402 || (status === 429 && body.includes("insufficient_quota"))) return "no_credit";
  if (status === 429) return "rate_limited";
  if (status === 404) return "model_missing";
  return status === 408 || status >= 500 ? "unavailable" : "refused";
}

/** Reads the seconds from `Retry-After` or OpenAI's more precise `retry-after-ms`. */
function retryAfter(headers: Record<string, string>): number | null {
  const milliseconds = Number(headers["retry-after-ms"] ?? NaN);
  return boundedWait(milliseconds / 1000) ?? secondsToWait(headers["retry-after"]);
}
