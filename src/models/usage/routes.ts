import { Hono } from "hono";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { readAllowance } from "../allowance/allowance.ts";
import * as s from "../schemas.ts";
import { priceOf, readPrices } from "./prices.ts";
import { reportUsage } from "./report.ts";
import { allowanceErrors } from "../errors.ts";

/** At /api/v2/usage. */
export const usage = new Hono<AppEnv>();

usage.get(
  "/",
  route(
    {
      id: "getUsage",
      summary: "Get the usage and cost of your model calls",
      tag: "Models",
      access: requirePermission("models.read"),
      query: s.UsageQuery,
      reply: s.UsageReply,
      errors: ["database_unavailable"],
    },
    async ({ ctx, query }) => ({ success: true as const, ...(await reportUsage(ctx, requireUserId(ctx), query)) }),
  ),
);

usage.get(
  "/prices",
  route(
    {
      id: "listModelPrices",
      summary: "List model prices and shutdown dates",
      description:
        "The list prices that costs are computed from. Prices that a provider publishes are refreshed daily; all others date from `as_of`.",
      tag: "Models",
      access: requirePermission("models.read"),
      query: s.PricesQuery,
      reply: s.PriceList,
      errors: ["database_unavailable"],
    },
    async ({ ctx, query: { provider, model_id } }) => {
      const known = await readPrices(ctx);
      const prices = known
        .filter((price) => provider === undefined || price.provider === provider)
        .filter((price) => model_id === undefined || price.model_id === model_id)
        .map(priceOf);
      return { success: true as const, prices, total: prices.length };
    },
  ),
);

usage.get(
  "/allowance",
  route(
    {
      id: "getAllowance",
      summary: "Get your daily allowance for models that run here",
      description:
        "The operator pays for Workers AI, so your plan limits it. Models with your own API key and built-in models are not limited. A running call counts with its maximum possible usage.",
      tag: "Models",
      access: requirePermission("models.read"),
      reply: s.AllowanceReply,
      errors: ["database_unavailable", allowanceErrors.allowance_unavailable],
    },
    async ({ ctx }) => ({ success: true as const, allowance: await readAllowance(ctx, requireUserId(ctx)) }),
  ),
);
