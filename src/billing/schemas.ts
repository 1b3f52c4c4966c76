import * as z from "zod";
import { FutureMoment, Id, Timestamp, ok, TotalCount } from "../kit/http/zod-schemas.ts";
import { accessSources, accessTypes, grantSources } from "./constants.ts";

export const GrantBody = z
  .object({
    spirit_id: Id.optional().meta({ description: "The spirit to grant", example: 5 }),
    plan_id: Id.optional().meta({ description: "The plan whose current spirits to grant, instead of `spirit_id`" }),
    expires_at: FutureMoment.nullable().optional().meta({ description: "When the grant expires. Default: never" }),
    reason: z
      .string()
      .trim()
      .min(1)
      .max(500)
      .meta({ description: "Stored in the audit log", example: "Prize of the hackathon" }),
  })
  .refine(
    ({ spirit_id, plan_id }) => (spirit_id === undefined) !== (plan_id === undefined),
    "send either spirit_id or plan_id",
  );
export type GrantInput = z.output<typeof GrantBody>;

export const AccessShape = z
  .object({
    spirit_id: Id,
    access_type: z.enum(accessTypes),
    source: z.enum(accessSources),
    granted_at: Timestamp,
    expires_at: Timestamp.nullable().meta({ description: "Null: does not expire" }),
  })
  .meta({ id: "SpiritAccess" });
export type Access = z.output<typeof AccessShape>;

export const AccessList = z.object({ ...ok, data: z.array(AccessShape), user_id: Id, total: TotalCount });

export const GrantShape = z
  .object({
    spirit_id: Id,
    source: z.enum(grantSources),
    reference: z.string().meta({ description: "Source of the grant: `spirit:<id>`, `plan:<id>` or a purchase" }),
    granted_at: Timestamp,
    expires_at: Timestamp.nullable(),
  })
  .meta({ id: "SpiritGrant" });
export type Grant = z.output<typeof GrantShape>;

export const GrantList = z.object({ ...ok, grants: z.array(GrantShape), total: TotalCount });
