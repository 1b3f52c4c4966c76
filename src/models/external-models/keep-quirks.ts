import { sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commit } from "../../kit/db/commit.ts";
import { log } from "../../kit/log.ts";
import { invalidatingSettings } from "../../notifications/hub-client.ts";
import type { Quirks } from "../constants.ts";
import { whereOwnModel } from "../queries.ts";
import { externalModels } from "../tables.ts";

/** The quirks of a model with changes. A null forgets a quirk. */
export function mergedQuirks(change: { readonly [Name in keyof Quirks]?: Quirks[Name] | null | undefined }): SQL {
  return sql`jsonb_strip_nulls(${externalModels.quirks} || ${JSON.stringify(change)}::jsonb)`;
}

/** Stores what was found about the server of a user's model, after the reply. It is found once, so no other call pays for it. */
export function keepQuirks(ctx: Ctx, userId: number, modelId: number, found: Quirks): void {
  const background = ctx.background();
  const update = background.db
    .update(externalModels)
    .set({ quirks: mergedQuirks(found) })
    .where(whereOwnModel(userId, modelId));
  const write = commit(background, [invalidatingSettings(background, userId, update)]).catch((error: unknown) =>
    log("warn", "Failed to store what was found about the server of a model.", { request_id: ctx.requestId, error }),
  );
  ctx.waitUntil(write);
}
