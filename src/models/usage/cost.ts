import * as z from "zod";
import type { UsageRecord } from "../gateway/usage-record.ts";
import { providerNames } from "../providers/registry.ts";

/** Micro-dollars per million tokens: $0.10 is 100000. */
const Rate = z.int().min(0);

const Rates = z.object({
  input: Rate,
  output: Rate,
  /** Default: `input`. */
  cache_read: Rate.optional(),
  cache_write: Rate.optional(),
});

/** The price of a model with its source and date. The schema is strict, so that typos in the price file are found. */
export const Price = z.strictObject({
  provider: z.enum(providerNames),
  model_id: z.string().min(1),
  ...Rates.shape,
  /** Rates of a whole call whose input exceeds a number of tokens. */
  long: z.strictObject({ above_input_tokens: z.int().min(1), ...Rates.shape }).optional(),
  /** The first day of the price. If omitted, the price was valid on `as_of`. */
  from: z.iso.date().optional(),
  /** The day the source was read. */
  as_of: z.iso.date(),
  source: z.string().min(1),
});
export type Price = z.output<typeof Price>;

/**
 * Computes the cost of a call at list price, in whole micro-dollars; null if no price of the model is known.
 * @param at the time of the call; the newest price valid at that UTC day counts
 */
export function costOf(
  prices: readonly Price[],
  usage: Pick<
    UsageRecord,
    "provider" | "model_id" | "input_tokens" | "output_tokens" | "cache_read_tokens" | "cache_write_tokens"
  >,
  at = new Date(),
): number | null {
  const day = at.toISOString().slice(0, 10);
  const price = prices
    .filter(({ provider, model_id }) => provider === usage.provider && model_id === usage.model_id)
    .filter(({ from = "" }) => from <= day)
    .reduce<Price | undefined>((best, each) => ((best?.from ?? "") > (each.from ?? "") ? best : each), undefined);
  if (price === undefined) return null;
  const { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens } = usage;
  const isLong = price.long !== undefined && input_tokens > price.long.above_input_tokens;
  const { input, output, cache_read = input, cache_write = input } = isLong ? price.long! : price;
  // A call has no more cached tokens than input tokens.
  const read = Math.min(cache_read_tokens, input_tokens);
  const written = Math.min(cache_write_tokens, input_tokens - read);
  const fresh = input_tokens - read - written;
  const millionths = fresh * input + read * cache_read + written * cache_write + output_tokens * output;
  return Math.round(millionths / 1_000_000);
}
