import { eq, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { assertInTransaction, type Statement } from "../../kit/db/commit.ts";
import { validationError, type ValidationIssue } from "../../kit/errors.ts";
import { describeCallable } from "../../models/providers/registry.ts";
import { isActiveLanguageModel } from "../../models/queries.ts";
import type { MinionId } from "../queries.ts";
import { minionFallbacks, minions } from "../tables.ts";

/** The model and the fallback models of a request, in order. */
export type ModelSelection = { model?: string | undefined; fallback_models?: readonly string[] | undefined };

type Named = { path: string; model: string };

/** The named models with their field paths. */
function modelFields({ model, fallback_models = [] }: ModelSelection): Named[] {
  const fallbacks = fallback_models.map((name, index) => ({ path: `fallback_models.${index}`, model: name }));
  return [...(model === undefined ? [] : [{ path: "model", model }]), ...fallbacks];
}

/** The ID of a user's own model; undefined for a model name. */
function externalIdIn(model: string): number | undefined {
  const id = /^[1-9]\d{0,9}$/.test(model) ? Number(model) : undefined;
  return id !== undefined && id < 2 ** 31 ? id : undefined;
}

/** The columns that store a model. */
export function modelColumns(model: string) {
  return { model, external_model_id: externalIdIn(model) ?? null };
}

/** @throws validation_failed for a model that does not exist or cannot be called here */
export function assertModelsExist(ctx: Ctx, choice: ModelSelection): void {
  const isUnknown = ({ model }: Named) =>
    externalIdIn(model) === undefined && describeCallable(ctx, model)?.kind !== "language";
  const faults = modelFields(choice)
    .filter(isUnknown)
    .map(({ path, model }): ValidationIssue => ({
      path,
      in: "body",
      message: `model “${model}” does not exist or cannot generate text`,
    }));
  if (faults.length > 0) throw validationError(faults);
}

/** Checks that the chosen models of the user exist and are active. */
export function modelOwnershipChecks(userId: number, { model, fallback_models = [] }: ModelSelection): Record<string, SQL> {
  const id = model === undefined ? undefined : externalIdIn(model);
  const ids = fallback_models.flatMap((name) => externalIdIn(name) ?? []);
  const all = ids.map((each) => isActiveLanguageModel(userId, each));
  return {
    ...(id === undefined ? {} : { minion_model_owned: isActiveLanguageModel(userId, id) }),
    ...(all.length === 0 ? {} : { minion_fallback_owned: sql.join(all, sql` and `) }),
  };
}

/** The statements that replace a minion's fallbacks. They run after the one that sets its model. */
export function replaceFallbacks(ctx: Ctx, userId: number, minionId: MinionId, choice: ModelSelection): Statement[] {
  const { model, fallback_models } = choice;
  const ofMinion = sql`${minionFallbacks.minion_id} = ${minionId}`;
  const rows: Statement[] = fallback_models === undefined ? [] : [ctx.db.delete(minionFallbacks).where(ofMinion)];
  if (fallback_models !== undefined && fallback_models.length > 0) {
    const values = fallback_models.map((name, index) => ({
      user_id: userId,
      minion_id: sql<number>`${minionId}`,
      position: index + 1,
      ...modelColumns(name),
    }));
    rows.push(ctx.db.insert(minionFallbacks).values(values));
  }
  if (model === undefined && rows.length < 2) return rows;
  const isAnother = sql`not exists (select from ${minionFallbacks}
    join ${minions} on ${eq(minions.id, minionFallbacks.minion_id)} and ${eq(minions.model, minionFallbacks.model)} where ${ofMinion})`;
  const code = fallback_models === undefined ? "minion_model_is_fallback" : "minion_fallback_is_model";
  return [...rows, assertInTransaction(ctx.db, isAnother, code)];
}
