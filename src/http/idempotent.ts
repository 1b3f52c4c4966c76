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
      "A name of your own for this request. Repeated within 24 hours, it makes nothing more: the reply is the first one's, with `Idempotency-Replayed: true`",
  });

/** The work of a request: how it is done the first time, and its reply to a repetition, from what the first one made. */
export type IdempotentWork<T> = {
  run(ctx: Ctx): T | Promise<T>;
  replay(made: string): T | Promise<T>;
};

/** Does what a request asks once, and answers whatever repeats it from what it made. @throws idempotency_key_reused */
export async function runIdempotent<T>(
  ctx: Ctx,
  c: Pick<Context, "req" | "header">,
  { operation, key, body }: { operation: string; key: string; body: unknown },
  { run, replay }: IdempotentWork<T>,
): Promise<T> {
  if (!("userId" in ctx.actor)) throw new Error(`${operation} takes an Idempotency-Key from nobody.`);
  const fingerprint = await sha256Hex(JSON.stringify([c.req.method, c.req.path, body ?? null]));
  const given = { userId: ctx.actor.userId, key, fingerprint };
  const claim = idempotencyGuard(ctx, given);
  try {
    const reply = await run(ctx.withGuard(claim));
    if (!claim.used) throw new Error(`${operation} made nothing under its Idempotency-Key.`);
    return reply;
  } catch (error) {
    if (!isDuplicate(error)) throw error;
    const made = await readStoredResult(ctx, given);
    c.header("idempotency-replayed", "true");
    return replay(made);
  }
}
