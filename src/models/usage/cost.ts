import * as z from "zod";
import type { UsageRecord } from "../gateway/usage-record.ts";
import { providerNames } from "../providers/registry.ts";

/** Micro-dollars for a million tokens: $0.10 is 100000. */
const Rate = z.int().min(0);

const Rates = z.object({
  input: Rate,
  output: Rate,
  /** As `input`, where it is left out. */
  cache_read: Rate.optional(),
  cache_write: Rate.optional(),
});

/** What a model costs, and who said so when. The file of them is read as it is, so that a slip of the pen is found. */
export const Price = z.strictObject({
  provider: z.enum(providerNames),
  model_id: z.string().min(1),
  ...Rates.shape,
  /** For a whole call whose input has more than so many tokens. */
  long: z.strictObject({ above_input_tokens: z.int().min(1), ...Rates.shape }).optional(),
  /** First day of the price; without one, it held when it was read. */
  from: z.iso.date().optional(),
  /** When the source was read. */
  as_of: z.iso.date(),
  source: z.string().min(1),
});
export type Price = z.output<typeof Price>;

/**
 * What a call cost at list price, in whole micro-dollars; null where no price of the model is known.
 * @param at when it was made, in UTC: the youngest price that held by then counts
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
  const fresh = Math.max(0, input_tokens - cache_read_tokens - cache_write_tokens);
  const millionths = fresh * input + cache_read_tokens * cache_read + cache_write_tokens * cache_write + output_tokens * output;
  return Math.round(millionths / 1_000_000);
}
