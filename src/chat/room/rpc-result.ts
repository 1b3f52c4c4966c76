import { toAppError } from "../../kit/db/errors.ts";
import { AppError } from "../../kit/errors.ts";
import { log } from "../../kit/log.ts";
import type { RoomCaller, RpcResult } from "./client.ts";
import { roomConstraintErrors } from "./errors.ts";

/** Runs the work of an RPC call. Returns its value, or its error as a value. @param caller undefined if another room calls */
export async function toRpcResult<T>(caller: RoomCaller | undefined, work: () => T | Promise<T>): Promise<RpcResult<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    const failure = toAppError(error, roomConstraintErrors);
    if (failure === undefined) log("error", "A request to a room failed.", { ...caller, error });
    const {
      type: errorType,
      message,
      issues: faults,
      headers,
    } = failure ?? new AppError("internal", "Internal server error. Try again later.");
    return { refusal: { errorType, detail: message, faults: [...faults], headers: { ...headers } } };
  }
}
