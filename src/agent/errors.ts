import { failureOf } from "../kit/db/client.ts";
import { failures, type FailureCode } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import type { TurnFailure, TurnFailureCode } from "./events.ts";

/** Failures that a turn has alone, and whether the same turn can succeed later. */
const ownFailures = { content_filtered: false, too_many_steps: true, context_exceeded: false } as const;

/** What ends a turn for a reason of its own. */
export class TurnError extends Error {
  override readonly name = "TurnError";
  readonly failure: TurnFailure;

  constructor(code: keyof typeof ownFailures | (FailureCode & TurnFailureCode), detail: string) {
    super(detail);
    this.failure = {
      code,
      detail,
      retryable: code in ownFailures ? ownFailures[code as keyof typeof ownFailures] : isRetryable(code),
    };
  }
}

const isRetryable = (code: string) => failures[code as FailureCode].retryable;

/** Failures of others that can end a turn, beside those of a provider and of an allowance. */
const told: ReadonlySet<FailureCode> = new Set([
  "account_banned",
  "not_found",
  "database_unavailable",
  "files_unavailable",
  "catalog_unavailable",
]);

const isTold = (code: FailureCode): code is FailureCode & TurnFailureCode =>
  told.has(code) || code.startsWith("provider_") || code.startsWith("allowance_");

/** Why a turn failed, in words that may be told; what nobody foresaw is logged, and told as no more than that. */
export function turnFailureOf(error: unknown, requestId: string): TurnFailure {
  if (error instanceof TurnError) return error.failure;
  const failure = failureOf(error);
  if (failure !== undefined && isTold(failure.code)) {
    return { code: failure.code, detail: failure.message, retryable: failure.retryable };
  }
  log("error", "A turn failed.", { request_id: requestId, error });
  return { code: "internal", detail: "Something went wrong on this server.", retryable: false };
}
