import { eq } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { deletePictures } from "../kit/storage/avatars.ts";
import { publicColumns } from "./queries.ts";
import { externalModels, modelCalls, userDataKeys } from "./tables.ts";

/** Exports the data of a user. Of a key, only the last four characters are exported. */
export function exportUser(ctx: Ctx, userId: number): Record<string, Statement> {
  return {
    external_models: ctx.db.select(publicColumns).from(externalModels).where(eq(externalModels.user_id, userId)),
    model_calls: ctx.db.select().from(modelCalls).where(eq(modelCalls.user_id, userId)),
  };
}

/** Deletes the pictures and the data key of a user, which makes every copy of a sealed key unreadable. Other rows cascade. */
export async function eraseUser(ctx: Ctx, userId: number): Promise<Statement[]> {
  await deletePictures(ctx.env.FILES, userId);
  return [ctx.db.delete(userDataKeys).where(eq(userDataKeys.user_id, userId))];
}
