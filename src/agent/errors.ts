import { authErrors } from "../auth/errors.ts";
import { catalogErrors } from "../catalog/errors.ts";
import type { Ctx } from "../context.ts";
import { toAppError } from "../kit/db/errors.ts";
import { commonErrors, defineErrors, type ErrorType } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { allowanceErrors, contextErrors, providerErrors } from "../models/errors.ts";
import type { TurnFailure, TurnFailureCode } from "./events.ts";

export const agentErrors = {
  ...contextErrors,
  ...defineErrors({
    content_filtered: { status: 502, title: "Blocked by the provider's content filter", retryable: false },
    too_many_steps: { status: 502, title: "Tool step limit reached", retryable: true },
  }),
};

/** The errors that can end a turn. */
export const turnErrors = {
  ...agentErrors,
  ...providerErrors,
  ...allowanceErrors,
  account_banned: authErrors.account_banned,
  not_found: commonErrors.not_found,
  database_unavailable: commonErrors.database_unavailable,
  files_unavailable: commonErrors.files_unavailable,
  catalog_unavailable: catalogErrors.catalog_unavailable,
  internal: commonErrors.internal,
} as const satisfies { [Code in TurnFailureCode]: ErrorType<Code> };

/** Whether an error with this code can end a turn. */
export const isTurnFailureCode = (code: string): code is TurnFailureCode => Object.hasOwn(turnErrors, code);

/** An error that ends a turn with its own code and detail. */
export class TurnError extends Error {
  override readonly name = "TurnError";
  readonly failure: TurnFailure;

  constructor({ code, retryable }: ErrorType<TurnFailureCode>, detail: string) {
    super(detail);
    this.failure = { code, detail, retryable };
  }
}

/** The failure of a turn that clients may see. An unexpected error is logged and becomes `internal`. */
export function turnFailureOf(error: unknown, ctx: Pick<Ctx, "requestId" | "constraintErrors">): TurnFailure {
  if (error instanceof TurnError) return error.failure;
  const failure = toAppError(error, ctx.constraintErrors);
  if (failure !== undefined && isTurnFailureCode(failure.code) && failure.code !== "internal") {
    return { code: failure.code, detail: failure.message, retryable: failure.retryable };
  }
  log("error", "A turn failed.", { request_id: ctx.requestId, error });
  return { code: "internal", detail: "Internal server error. Try again later.", retryable: false };
}
