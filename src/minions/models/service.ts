import { eq, or, sql } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { AppError } from "../../kit/errors.ts";
import { localModels } from "../../models/ollama-models.ts";
import { toExternalModel, selectModels } from "../../models/queries.ts";
import type { ExternalModel, LocalModel } from "../../models/schemas.ts";
import { externalModels } from "../../models/tables.ts";

/** Maximum number of models in one reply. */
const maxListed = 1_000;

/** All models of a user, newest first, and the local models of this server. One Postgres round trip. */
export async function listAllModels(ctx: Ctx, userId: number) {
  const newestFirst = selectModels(ctx, userId)
    .orderBy(sql`${externalModels.id} desc`)
    .limit(maxListed + 1);
  const [rows, local] = await Promise.all([newestFirst, localModels(ctx)]);
  const models = [...rows.slice(0, maxListed).map((row) => toExternalModel(ctx, row)), ...local.models];
  const left =
    rows.length > maxListed
      ? [`Only your ${maxListed} newest models are listed. Use \`/external-models\` to list all of them.`]
      : [];
  const warnings = [...left, ...local.warnings];
  return { models, total: models.length, ...(warnings.length === 0 ? {} : { warnings }) };
}

/**
 * Finds a model by name or display name. Prefers the newest one of the caller. One Postgres round trip.
 * @throws not_found
 */
export async function findModel(ctx: Ctx, userId: number, name: string): Promise<ExternalModel | LocalModel> {
  const [row] = await selectModels(ctx, userId, or(eq(externalModels.name, name), eq(externalModels.display_name, name)))
    .orderBy(sql`${externalModels.id} desc`)
    .limit(1);
  if (row !== undefined) return toExternalModel(ctx, row);
  const { models, warnings } = await localModels(ctx);
  const local = models.find((model) => model.name === name || model.name === `${name}:latest`);
  if (local !== undefined) return local;
  throw new AppError("not_found", ["Model not found.", ...warnings].join(" "));
}
