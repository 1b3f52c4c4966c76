import { currentPlan } from "../../billing/service.ts";
import type { Ctx } from "../../context.ts";
import { endOfDay, type DayLimits, type QuotaGrant } from "../../kit/daily-quota.ts";
import { AppError } from "../../kit/errors.ts";
import { log } from "../../kit/log.ts";
import { callHub } from "../../notifications/hub-client.ts";
import type { ProviderIdentity } from "../constants.ts";
import { ProviderError } from "../gateway/errors.ts";
import { allowanceOf, smallestAllowance, type QuotaAmounts } from "./rules.ts";
import { allowanceErrors } from "../errors.ts";

/** The daily allowance of a user for the models that the operator pays for. */
export type Allowance = {
  /**
   * Reserves the maximum usage of a call before it is made. A reservation that is never settled stays spent.
   * @throws ProviderError: allowance_exhausted, allowance_unavailable
   */
  reserve(amount: QuotaAmounts): Promise<Reservation>;
};

/** A reserved amount of an allowance. */
export type Reservation = {
  /** Records the actual usage of the call, after the reply; zero for a call that failed before its first token. */
  settle(spent: QuotaAmounts): void;
};

/**
 * Opens the allowance of a user, which their hub counts. A call costs one round trip to the hub. Every plan includes the smallest
 * allowance, so the plan is read from Postgres only when that is used up: once a day, and before each refusal, because the user may
 * have changed their plan.
 * @param provider the provider of these models
 */
export function openAllowance(ctx: Ctx, userId: number, provider: ProviderIdentity): Allowance {
  return {
    async reserve(amount) {
      const id = crypto.randomUUID();
      const granted = await counted(ctx, provider, async () => {
        const claim = { id, amount, floor: smallestAllowance };
        const first = await callHub(ctx, userId, (hub) => hub.takeBudget(claim));
        if (first.exhausted === null) return first;
        const limits = await limitsOf(ctx, userId);
        return callHub(ctx, userId, (hub) => hub.takeBudget({ ...claim, limits }));
      });
      if (granted.exhausted !== null) throw exhausted(provider, granted.exhausted, granted);
      return { settle: (spent) => ctx.waitUntil(settle(ctx, userId, id, spent)) };
    },
  };
}

/** Reads the limits and today's usage of a user. One round trip to Postgres and one to the hub. @throws allowance_unavailable */
export async function readAllowance(ctx: Ctx, userId: number) {
  const [plan, used] = await Promise.all([
    currentPlan(ctx, userId),
    callHub(ctx, userId, (hub) => hub.spentToday()).catch((cause: unknown) => {
      throw new AppError(allowanceErrors.allowance_unavailable, "Your usage of today cannot be read. Try again.", { cause });
    }),
  ]);
  const limits = allowanceOf(plan.name);
  const line = (unit: keyof QuotaAmounts) => ({
    limit: limits[unit],
    used: used[unit] ?? 0,
    left: Math.max(0, limits[unit] - (used[unit] ?? 0)),
  });
  const resets_at = new Date(endOfDay(Date.now()));
  return { plan: plan.name, turns: line("turns"), tokens: line("tokens"), resets_at };
}

/** Reads the limits of a user's plan, with the time until which they are valid today. */
async function limitsOf(ctx: Ctx, userId: number): Promise<DayLimits> {
  const { name, until } = await currentPlan(ctx, userId);
  return { ...allowanceOf(name), until: Math.min(endOfDay(Date.now()), until?.getTime() ?? Infinity) };
}

/** Runs a count. @throws allowance_unavailable for any error: a call that cannot be counted is not made */
async function counted(ctx: Ctx, provider: ProviderIdentity, count: () => Promise<QuotaGrant>): Promise<QuotaGrant> {
  try {
    return await count();
  } catch (error) {
    log("warn", "Failed to check an allowance.", { request_id: ctx.requestId, error });
    throw new ProviderError("allowance_unavailable", provider);
  }
}

async function settle(ctx: Ctx, userId: number, id: string, spent: QuotaAmounts): Promise<void> {
  try {
    await callHub(ctx.background(), userId, (hub) => hub.settleBudget(id, spent));
  } catch (error) {
    log("warn", "Failed to settle an allowance: the reserved amount stays counted.", { request_id: ctx.requestId, error });
  }
}

function exhausted(provider: ProviderIdentity, lacking: string, { limits, used }: QuotaGrant): ProviderError {
  const now = Date.now();
  const resetsAt = endOfDay(now);
  const limit = limits[lacking]!;
  const left = limit - used[lacking]!;
  const problem =
    left > 0
      ? `This call needs more than the ${left} ${lacking} left of your daily allowance (${limit} ${lacking})`
      : `Your daily allowance of ${limit} ${lacking} for models that run here is used up`;
  const detail =
    `${problem}. It resets at ${new Date(resetsAt).toISOString().slice(0, 16)}Z. ` +
    "Models with your own API key are not limited.";
  return new ProviderError("allowance_exhausted", provider, {
    detail,
    retryAfterSeconds: Math.ceil((resetsAt - now) / 1_000),
  });
}
