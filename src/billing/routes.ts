import { Hono } from "hono";
import { requirePermission } from "../auth/middleware.ts";
import { route, type AppEnv } from "../http/route.ts";
import { IdParam } from "../kit/http/zod-schemas.ts";
import { grantAccess, listAccess, listGrants } from "./access.ts";
import type { Grant } from "./schemas.ts";
import * as s from "./schemas.ts";

const ok = { success: true as const };

const grantList = (grants: Grant[]) => ({ ...ok, grants, total: grants.length });

/** The routes of `/spirits` that concern a user. */
export const spiritAccess = new Hono<AppEnv>();

spiritAccess.get(
  "/user/:id/access",
  route(
    {
      id: "listSpiritAccess",
      summary: "List the spirits that a user can use, with the source of each right",
      description: "Your own list; administrators can read any user's. A spirit is listed once per grant.",
      tag: "Spirits",
      access: requirePermission("billing.read"),
      params: IdParam,
      reply: s.AccessList,
      errors: ["not_found"],
    },
    async ({ ctx, params }) => {
      const data = await listAccess(ctx, params.id);
      return { ...ok, data, user_id: params.id, total: data.length };
    },
  ),
);

export const grantsAdmin = new Hono<AppEnv>();

grantsAdmin.post(
  "/:id/grants",
  route(
    {
      id: "grantAccess",
      summary: "Grant a user a spirit, or all spirits of a plan",
      description: "Granting again replaces the previous grant, including its expiry.",
      tag: "Administration",
      access: requirePermission("admin.write", { sensitive: true }),
      params: IdParam,
      body: s.GrantBody,
      replayResponse: async ({ ctx, params, resultId }) => grantList(await listGrants(ctx, params.id, resultId)),
      reply: s.GrantList,
      status: 201,
      errors: ["not_found"],
    },
    async ({ ctx, params, body }) => grantList(await grantAccess(ctx, params.id, body)),
  ),
);
