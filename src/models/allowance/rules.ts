/** What an allowance counts: turns of a conversation, and tokens. */
export type Spending = { turns: number; tokens: number };

/** What a user may use in a UTC day of the models that the operator pays for, by the name of their plan. */
export const dailyAllowances = {
  "Free Plan": { turns: 20, tokens: 40_000 },
  "Creator Plan": { turns: 200, tokens: 400_000 },
  "Professional Plan": { turns: 1_000, tokens: 2_000_000 },
  "Enterprise Plan": { turns: 5_000, tokens: 10_000_000 },
} as const satisfies Record<string, Spending>;

/** What everybody may use: a plan that is not named above has no more. */
export const smallestAllowance: Spending = dailyAllowances["Free Plan"];

/** What a plan allows in a day. */
export function allowanceOf(plan: string): Spending {
  return Object.hasOwn(dailyAllowances, plan) ? dailyAllowances[plan as keyof typeof dailyAllowances] : smallestAllowance;
}
