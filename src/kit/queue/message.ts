import * as z from "zod";
import type { TransactionContext } from "../db/commit.ts";

/** A message in the queue: a job of the outbox. */
export const JobMessage = z.object({ id: z.int(), name: z.string(), payload: z.unknown(), request_id: z.string() });
export type JobMessage = z.output<typeof JobMessage>;

/** The parts of the context that sending jobs needs. */
export type JobSender = TransactionContext & {
  readonly env: { readonly JOBS: { send(message: JobMessage): Promise<unknown> } };
};
