/**
 * Converts a published price to micro-dollars per million tokens; null for an invalid or negative price.
 * @param scale the factor: 1e12 for dollars per token, 1e6 for dollars per million tokens
 */
export function microDollars(published: string | number | null | undefined, scale: number): number | null {
  const price = published === null || published === undefined || published === "" ? Number.NaN : Number(published);
  return Number.isFinite(price) && price >= 0 ? Math.round(price * scale) : null;
}
