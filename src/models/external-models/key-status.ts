import { and, eq, isNotNull, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import type { Statement } from "../../kit/db/commit.ts";
import { whereOwnModel } from "../queries.ts";
import { externalModels } from "../tables.ts";
import type { ResolvedModel } from "./callable-model.ts";

/** Records whether the provider accepted the key. If the key has been replaced since the call, nothing changes. */
export function markKeyStatus(ctx: Ctx, userId: number, row: ResolvedModel["row"], isRejected: boolean): Statement[] {
  if (row === undefined || row.key_ref === null) return [];
  const marked = isRejected ? sql`now()` : null;
  return [
    ctx.db
      .update(externalModels)
      .set({ key_rejected_at: marked })
      .where(
        and(
          whereOwnModel(userId, row.id),
          eq(externalModels.key_ref, row.key_ref),
          isRejected ? undefined : isNotNull(externalModels.key_rejected_at),
        ),
      ),
  ];
}
