import { Hono } from "hono";
import { route, type AppEnv } from "../../http/route.ts";
import { banUser, getUserAsAdmin, listAudit, listUsers, setRoles, unbanUser } from "./service.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { requirePermission } from "../middleware.ts";
import * as s from "../schemas.ts";

const ok = { success: true as const };
const tag = "Administration";
const reading = requirePermission("admin.read");
const changing = requirePermission("admin.write", { sensitive: true });
const outage = ["database_unavailable"] as const;

/** At /api/v2/admin. */
export const admin = new Hono<AppEnv>();

admin.get(
  "/users",
  route(
    {
      id: "listUsers",
      summary: "List users, newest first",
      tag,
      access: reading,
      query: s.UsersQuery,
      reply: s.AdminUserList,
      errors: outage,
    },
    async ({ ctx, query }) => ({ ...ok, ...(await listUsers(ctx, query)) }),
  ),
);

admin.get(
  "/users/:id",
  route(
    {
      id: "getUser",
      summary: "Get a user",
      tag,
      access: reading,
      params: IdParam,
      reply: s.AdminUserReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => ({ ...ok, user: await getUserAsAdmin(ctx, params.id) }),
  ),
);

admin.put(
  "/users/:id/roles",
  route(
    {
      id: "setRoles",
      summary: "Replace a user's roles",
      description: "Only a superuser can create or change an administrator.",
      tag,
      access: changing,
      params: IdParam,
      body: s.RolesBody,
      reply: s.AdminUserReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params, body }) => ({ ...ok, user: await setRoles(ctx, params.id, body.roles) }),
  ),
);

admin.post(
  "/users/:id/ban",
  route(
    {
      id: "banUser",
      summary: "Ban a user and revoke all sessions of the user",
      tag,
      access: changing,
      params: IdParam,
      body: s.BanBody,
      reply: s.AdminUserReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params, body }) => ({ ...ok, user: await banUser(ctx, params.id, body.reason) }),
  ),
);

admin.post(
  "/users/:id/unban",
  route(
    {
      id: "unbanUser",
      summary: "Unban a user",
      tag,
      access: changing,
      params: IdParam,
      reply: s.AdminUserReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => ({ ...ok, user: await unbanUser(ctx, params.id) }),
  ),
);

admin.get(
  "/audit",
  route(
    {
      id: "listAudit",
      summary: "List the audit log, newest first",
      tag,
      access: reading,
      query: s.AuditQuery,
      reply: s.AuditList,
      errors: outage,
    },
    async ({ ctx, query }) => ({ ...ok, ...(await listAudit(ctx, query)) }),
  ),
);
