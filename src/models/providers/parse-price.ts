/**
 * A price that a provider publishes, in micro-dollars for a million tokens; null where it is none, or depends on who answers.
 * @param scale what one of its units comes to: a dollar for one token is 1e12, a dollar for a million 1e6
 */
export function microDollars(published: string | number | null | undefined, scale: number): number | null {
  const price = published === null || published === undefined || published === "" ? Number.NaN : Number(published);
  return Number.isFinite(price) && price >= 0 ? Math.round(price * scale) : null;
}
