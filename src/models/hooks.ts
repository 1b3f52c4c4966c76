import { eq } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { deletePictures } from "../kit/storage/avatars.ts";
import { publicColumns } from "./queries.ts";
import { externalModels, modelCalls, userDataKeys } from "./tables.ts";

/** What is held of a user here: of a key, its last four characters alone. */
export function exportUser(ctx: Ctx, userId: number): Record<string, Statement> {
  return {
    external_models: ctx.db.select(publicColumns).from(externalModels).where(eq(externalModels.user_id, userId)),
    model_calls: ctx.db.select().from(modelCalls).where(eq(modelCalls.user_id, userId)),
  };
}

/** Deletes pictures, and destroys the data key, without which every copy of a sealed key is noise; the other rows go with the user's. */
export async function eraseUser(ctx: Ctx, userId: number): Promise<Statement[]> {
  await deletePictures(ctx.env.FILES, userId);
  return [ctx.db.delete(userDataKeys).where(eq(userDataKeys.user_id, userId))];
}
