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
      summary: "Tell what your calls to models used and cost",
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
      summary: "Tell what models cost at list price, and when they are taken away",
      description:
        "What costs are computed by. Providers that publish their prices are asked each day; the others' are as old as `as_of`.",
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
      summary: "Tell what you may use today of the models that run here",
      description:
        "Workers AI, which the operator pays for, is rationed by plan. Models with a key of your own, and the built-in ones, are not. Calls under way count as the most that they can come to.",
      tag: "Models",
      access: requirePermission("models.read"),
      reply: s.AllowanceReply,
      errors: ["database_unavailable", allowanceErrors.allowance_unavailable],
    },
    async ({ ctx }) => ({ success: true as const, allowance: await readAllowance(ctx, requireUserId(ctx)) }),
  ),
);
