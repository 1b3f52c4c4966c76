import type { BatchResponse } from "drizzle-orm/batch";
import type { Ctx } from "../context.ts";
import { afterCommit, type Statement } from "../kit/db/commit.ts";
import { toAppError } from "../kit/db/errors.ts";
import { isDuplicate } from "../kit/db/idempotency.ts";
import { logEvent, millisecondsSince } from "../kit/event-log.ts";
import { invalidateSettings, pushToDevices } from "../notifications/hub-client.ts";
import type { MemoryOwner } from "./types.ts";

/**
 * Returns the statement. After its commit, the user's rooms read the memory again, and the user's devices learn of the change.
 * @param changedFact the ID of the fact that the rows say was changed: null for all facts or the settings, undefined for no change
 */
export function announcingChange<S extends Statement>(
  ctx: Ctx,
  { userId, minionId }: MemoryOwner,
  statement: S,
  changedFact: (rows: BatchResponse<[S]>[0]) => number | null | undefined,
): S {
  return afterCommit(statement, async (rows) => {
    const fact_id = changedFact(rows);
    if (fact_id === undefined) return;
    await Promise.all([
      invalidateSettings(ctx, userId),
      pushToDevices(ctx, userId, { type: "memory_changed", minion_id: minionId, fact_id }),
    ]);
  });
}

type MemoryAction = "add" | "edit" | "delete" | "delete_all" | "turn_on" | "turn_off";

/** Writes the line of a change to the log, without text. @throws what the work throws */
export async function withEvent<T>(ctx: Ctx, { userId }: MemoryOwner, name: MemoryAction, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const end = (outcome: string, error_code?: string) =>
    logEvent(ctx, {
      event: "memory",
      outcome,
      error_code,
      name,
      user_id: userId,
      duration_ms: millisecondsSince(startedAt),
    });
  try {
    const result = await work();
    end("ok");
    return result;
  } catch (error) {
    const failure = toAppError(error, ctx.constraintErrors);
    if (isDuplicate(error)) end("skipped");
    else if (failure === undefined || failure.status >= 500) end("failed", failure?.code ?? "internal");
    else end("refused", failure.code);
    throw error;
  }
}
