import type { Context } from "hono";
import * as z from "zod";
import type { Ctx } from "../context.ts";
import { sha256Hex } from "../kit/crypto/hash.ts";
import { idempotencyGuard, isDuplicate, readStoredResult } from "../kit/db/idempotency.ts";

export const IdempotencyKey = z
  .string()
  .regex(/^[!-~]{1,200}$/, "must have 1–200 printable ASCII characters")
  .optional()
  .meta({
    description:
      "A unique key for this request, chosen by the client. A retry with the same key within 24 hours changes nothing: it returns the first reply, with `Idempotency-Replayed: true`",
  });

/** The work of a request: `run` does it the first time, `replay` rebuilds the reply for a retry from the ID of the result. */
export type IdempotentWork<T> = {
  run(ctx: Ctx): T | Promise<T>;
  replay(resultId: string): T | Promise<T>;
};

/** Runs a request once, and replays the reply for every retry. @throws idempotency_key_reused */
export async function runIdempotent<T>(
  ctx: Ctx,
  c: Pick<Context, "req" | "header">,
  { operation, key, body }: { operation: string; key: string; body: unknown },
  { run, replay }: IdempotentWork<T>,
): Promise<T> {
  if (!("userId" in ctx.actor)) throw new Error(`${operation} accepts an Idempotency-Key, but requires no sign-in.`);
  const fingerprint = await sha256Hex(JSON.stringify([c.req.method, c.req.path, body ?? null]));
  const idempotencyKey = { userId: ctx.actor.userId, key, fingerprint };
  const claim = idempotencyGuard(ctx, idempotencyKey);
  try {
    const reply = await run(ctx.withGuard(claim));
    if (!claim.used) throw new Error(`${operation} stored no result for its Idempotency-Key.`);
    return reply;
  } catch (error) {
    if (!isDuplicate(error)) throw error;
    const resultId = await readStoredResult(ctx, idempotencyKey);
    c.header("idempotency-replayed", "true");
    return replay(resultId);
  }
}
