import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { auditLog } from "./tables.ts";

/** Actions that change an account or its rights. */
export type AuditAction =
  | "account.registered"
  | "account.signed_in"
  | "account.signed_out"
  | "account.password_changed"
  | "account.password_reset"
  | "account.profile_changed"
  | "account.email_verified"
  | "session.revoked"
  | "session.family_revoked"
  | "api_key.created"
  | "api_key.revoked"
  | "user.roles_changed"
  | "user.banned"
  | "user.unbanned"
  | "access.granted"
  | "account.exported"
  | "account.erased"
  | "minion.experience_granted"
  | "minion.token_created"
  | "job.replayed"
  | "job.discarded";

/** The statement that writes an audit entry. It belongs to the commit of the action. */
export function auditRow(
  ctx: Ctx,
  action: AuditAction,
  subjectUserId: number | null,
  details: Record<string, unknown> = {},
): Statement {
  const { actor } = ctx;
  return ctx.db.insert(auditLog).values({
    action,
    actor:
      actor.kind === "user"
        ? `user:${actor.userId}`
        : actor.kind === "key"
          ? `key:${actor.keyId}`
          : actor.kind === "minion"
            ? `minion:${actor.minionId}`
            : actor.kind === "system"
              ? `system:${actor.job}`
              : "anonymous",
    actor_user_id: "userId" in actor ? actor.userId : null,
    subject_user_id: subjectUserId,
    details,
    ip_address: ctx.client.ip,
    request_id: ctx.requestId,
  });
}
