import { toAppError } from "../../kit/db/errors.ts";
import { AppError } from "../../kit/errors.ts";
import { log } from "../../kit/log.ts";
import type { RpcResult } from "./client.ts";
import { roomConstraintErrors } from "./errors.ts";

/** Does what a room is asked for, and puts a failure into words that reach whoever asked. */
export async function told<T>(work: () => T | Promise<T>): Promise<RpcResult<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    const failure = toAppError(error, roomConstraintErrors);
    if (failure === undefined) log("error", "A request to a room failed.", { error });
    const {
      type: errorType,
      message,
      issues: faults,
      headers,
    } = failure ?? new AppError("internal", "Internal server error. Try again later.");
    return { refusal: { errorType, detail: message, faults: [...faults], headers: { ...headers } } };
  }
}
