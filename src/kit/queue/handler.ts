import type * as z from "zod";
import type { Statement } from "../db/commit.ts";
import type { Job } from "./outbox.ts";

/** Why a job was given up. `code` is `consumer_lost`, `attempts_exhausted`, or the code of its error. */
export type GiveUpReason = { code: string; requestId: string };

/** Keeps what a job works on in step with the job: statements for the commit that gives the job up, or replays it. */
type Outcomes<Ctx, Payload> = {
  /** Marks what the job worked on as failed. No statements if that is over already. */
  onGiveUp?(ctx: Ctx, payload: Payload, reason: GiveUpReason): Promise<Statement[]>;
  /** Prepares what the job worked on for another run. @throws an AppError if it cannot run again */
  onReplay?(ctx: Ctx, payload: Payload): Promise<Statement[]>;
};

/** A job with its handler. */
export type Handler<Ctx> = { job: Job; run(ctx: Ctx, payload: unknown): Promise<unknown> } & Outcomes<Ctx, unknown>;

/** Defines the handler of a job. It can run twice, so its effect must be one `commitOnce`, or have its own idempotency key. */
export function handleJob<Ctx, P extends z.ZodType>(
  job: Job<P>,
  run: (ctx: Ctx, payload: z.output<P>) => Promise<unknown>,
  outcomes: Outcomes<Ctx, z.output<P>> = {},
): Handler<Ctx> {
  return { job, run, ...(outcomes as Outcomes<Ctx, unknown>) };
}
