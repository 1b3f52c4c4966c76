/** The greatest price, in micro-dollars per million tokens: one dollar per token. With it, the cost of any call is a safe integer. */
const maxPrice = 1e12;

/**
 * Converts a published price to micro-dollars per million tokens; null for an invalid or negative price, or for one above a dollar
 * per token.
 * @param scale the factor: 1e12 for dollars per token, 1e6 for dollars per million tokens
 */
export function microDollars(published: string | number | null | undefined, scale: number): number | null {
  const price = published === null || published === undefined || published === "" ? Number.NaN : Number(published);
  const scaled = Math.round(price * scale);
  return price >= 0 && scaled <= maxPrice ? scaled : null;
}
