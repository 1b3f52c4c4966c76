/** The units of an allowance: turns of a conversation and tokens. */
export type QuotaAmounts = { turns: number; tokens: number };

/** The allowance per UTC day for models that the operator pays for, by plan name. */
export const dailyAllowances = {
  "Free Plan": { turns: 20, tokens: 40_000 },
  "Creator Plan": { turns: 200, tokens: 400_000 },
  "Professional Plan": { turns: 1_000, tokens: 2_000_000 },
  "Enterprise Plan": { turns: 5_000, tokens: 10_000_000 },
} as const satisfies Record<string, QuotaAmounts>;

/** The allowance of every user. A plan that is not listed above has this allowance. */
export const smallestAllowance: QuotaAmounts = dailyAllowances["Free Plan"];

/** The daily allowance of a plan. */
export function allowanceOf(plan: string): QuotaAmounts {
  return Object.hasOwn(dailyAllowances, plan) ? dailyAllowances[plan as keyof typeof dailyAllowances] : smallestAllowance;
}
