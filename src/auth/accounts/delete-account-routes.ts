import { Hono } from "hono";
import { route, type AppEnv } from "../../http/route.ts";
import { sessionSetCookie } from "../cookies.ts";
import { exportUser } from "./export.ts";
import { deleteAccount } from "./delete-account.ts";
import { requirePermission } from "../middleware.ts";
import * as s from "../schemas.ts";
import { requireSession } from "../current-user.ts";
import { authErrors } from "../errors.ts";

const ok = { success: true as const };

/** At /api/v2/me: export and deletion of the account. */
export const deleteAccountRoutes = new Hono<AppEnv>();

deleteAccountRoutes.get(
  "/export",
  route(
    {
      id: "exportMe",
      summary: "Export all of your data as JSON",
      tag: "Me",
      access: requirePermission("account.read", { sensitive: true }),
      reply: s.ExportReply,
      errors: ["database_unavailable"],
    },
    async ({ ctx, c }) => {
      c.header("content-disposition", 'attachment; filename="spiritforge-export.json"');
      return { ...ok, generated_at: new Date(), data: await exportUser(ctx, requireSession(ctx).userId) };
    },
  ),
);

deleteAccountRoutes.delete(
  "/",
  route(
    {
      id: "deleteMe",
      summary: "Delete your account and all of your data",
      description:
        "Requires the password. An account without a password requires a session that is at most 10 minutes old. All sessions end and the username and email become available at once. A job deletes the rest within minutes.",
      tag: "Me",
      access: requirePermission("account.write", { sensitive: true }),
      body: s.LeaveBody,
      reply: s.Done,
      status: 202,
      errors: [authErrors.invalid_credentials, "conflict", "rate_limited", "database_unavailable"],
    },
    async ({ ctx, c, body }) => {
      await deleteAccount(ctx, requireSession(ctx), body.password);
      c.header("set-cookie", sessionSetCookie(null));
      return { ...ok, message: "Your account is deleted. Your remaining data will be deleted within minutes." };
    },
  ),
);
