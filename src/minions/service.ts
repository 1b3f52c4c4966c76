import { and, eq, isNotNull, isNull, sql, type SQL } from "drizzle-orm";
import { forgetCredential } from "../auth/credentials.ts";
import { planLimit } from "../billing/service.ts";
import { catalogOf } from "../catalog/service.ts";
import type { Ctx } from "../context.ts";
import { commit, commitOnce, idOfNew, assertAllInTransaction, type Statement } from "../kit/db/commit.ts";
import { validationError } from "../kit/errors.ts";
import { defaultModel } from "../models/providers/defaults.ts";
import { invalidatingSettings } from "../notifications/hub-client.ts";
import { modelOwnershipChecks, replaceFallbacks, modelColumns, assertModelsExist } from "./models/model-choice.ts";
import { candidates, equipChecks, equipStatement, type Candidate } from "./spirits/statements.ts";
import {
  updateMinionStatement,
  minionExists,
  lockOwnerAndMinion,
  ownMinion,
  selectMinions,
  commitMinionChange,
  type MinionWithCatalog,
  type MinionRow,
} from "./queries.ts";
import { trashRetentionDays } from "./constants.ts";
import { classNamed, withMissingSpirits, ofClass, ofTemplate, skippedSpirits } from "./spirits/service.ts";
import type { MinionChange, NewMinion } from "./schemas.ts";
import { minions, minionTokens, retiredExperience } from "./tables.ts";

/** Whether the plan allows another minion. Minions in the trash do not count. */
const belowMinionLimit = (userId: number): SQL => sql`
  (select max_minions = -1 or max_minions > (select count(*) from ${minions} where ${and(eq(minions.user_id, userId), isNull(minions.deleted_at))})
   from (select ${planLimit(userId, "max_minions")} as max_minions) held)`;

/**
 * Creates a minion with the spirits of a class (all or none) and of a template (those that are allowed). One round trip.
 * @throws minion_limit_reached, display_name_taken, validation_failed; with a class, the errors of `assignClass`
 */
export async function createMinion(ctx: Ctx, userId: number, { template_id, class_name, ...fields }: NewMinion) {
  const { model = defaultModel(ctx.env, "language"), fallback_models } = fields;
  const input = { ...fields, model };
  assertModelsExist(ctx, input);
  const catalog = await catalogOf(ctx);
  if (template_id !== undefined && !catalog.templates.some(({ id }) => id === template_id)) {
    throw validationError([{ path: "template_id", in: "body", message: `template ${template_id} does not exist` }]);
  }
  const minionClass = class_name === undefined ? undefined : classNamed(catalog, class_name);
  const newMinionId = sql<number>`currval(pg_get_serial_sequence('spirit_minions', 'id'))::int`;
  const columns = { ...columnsOf(input), ...modelColumns(model) };
  const classRows = (): Statement[] => {
    if (minionClass === undefined) return [];
    const chosen = ofClass(minionClass.id);
    return [
      assertAllInTransaction(ctx.db, equipChecks(userId, newMinionId, chosen)),
      equipStatement(ctx, userId, newMinionId, chosen),
    ];
  };
  const wanted = candidates(
    userId,
    newMinionId,
    template_id === undefined ? sql`select 0 as spirit_id, 0 as place where false` : ofTemplate(template_id),
  );
  const work = async () => {
    const results = await commitOnce(
      ctx,
      [
        ...lockOwnerAndMinion(ctx, userId),
        assertAllInTransaction(ctx.db, {
          minion_limit_reached: belowMinionLimit(userId),
          ...modelOwnershipChecks(userId, input),
        }),
        ctx.db.insert(minions).values({ ...columns, user_id: userId, class_id: minionClass?.id ?? null }),
        ...(fallback_models === undefined ? [] : replaceFallbacks(ctx, userId, newMinionId, input)),
        ...classRows(),
        ctx.db.execute<Candidate>(wanted),
        ...(template_id === undefined ? [] : [equipStatement(ctx, userId, newMinionId, ofTemplate(template_id))]),
        selectMinions(ctx, userId, ownMinion(userId, newMinionId)),
      ],
      idOfNew(minions),
    );
    const row = (results.at(-1) as MinionRow[])[0]!;
    const { rows } = results.at(template_id === undefined ? -2 : -3) as { rows: Candidate[] };
    return { catalog, row, ...(template_id === undefined ? {} : { skipped: skippedSpirits(rows, row) }) };
  };
  return minionClass === undefined ? work() : withMissingSpirits(ctx, candidates(userId, 0, ofClass(minionClass.id)), work);
}

/** Updates a minion. One round trip. @param expectedVersion default: any version @throws precondition_failed, display_name_taken, not_found */
export async function changeMinion(
  ctx: Ctx,
  userId: number,
  minionId: number,
  change: MinionChange,
  expectedVersion: number | undefined,
): Promise<MinionWithCatalog> {
  assertModelsExist(ctx, change);
  const isCurrent = sql`(select ${minions.version} from ${minions} where ${eq(minions.id, minionId)}) = ${expectedVersion}`;
  const unless = {
    ...(expectedVersion === undefined ? {} : { version_changed: isCurrent }),
    ...modelOwnershipChecks(userId, change),
  };
  const { model } = change;
  const columns = { ...columnsOf(change), ...(model === undefined ? {} : modelColumns(model)) };
  const rows = [updateMinionStatement(ctx, userId, minionId, columns), ...replaceFallbacks(ctx, userId, minionId, change)];
  return commitMinionChange(ctx, userId, minionId, { unless, rows });
}

/** Adds a minion to the favorites, or removes it. The version stays. One round trip. @throws not_found */
export function toggleFavorite(ctx: Ctx, userId: number, minionId: number): Promise<MinionWithCatalog> {
  const toggle = ctx.db
    .update(minions)
    .set({ is_favorite: sql`not ${minions.is_favorite}` })
    .where(ownMinion(userId, minionId));
  return commitMinionChange(ctx, userId, minionId, { rows: [toggle] });
}

/** Moves a minion to the trash. It can be restored for 30 days; its token does not work meanwhile. One round trip. @throws not_found */
export async function deleteMinion(ctx: Ctx, userId: number, minionId: number): Promise<void> {
  const [tokens] = await commit(ctx, [
    ctx.db.select({ token_hash: minionTokens.token_hash }).from(minionTokens).where(eq(minionTokens.minion_id, minionId)),
    ...lockOwnerAndMinion(ctx, userId, minionId),
    assertAllInTransaction(ctx.db, { minion_not_found: minionExists(userId, minionId) }),
    invalidatingSettings(
      ctx,
      userId,
      ctx.db
        .update(minions)
        .set({ deleted_at: sql`now()` })
        .where(ownMinion(userId, minionId)),
    ),
  ]);
  for (const { token_hash } of tokens) await forgetCredential(ctx, token_hash);
}

/** Restores a minion from the trash. One round trip. @throws not_found, minion_limit_reached, display_name_taken */
export async function restoreMinion(ctx: Ctx, userId: number, minionId: number): Promise<MinionWithCatalog> {
  const binned = and(eq(minions.id, minionId), eq(minions.user_id, userId), isNotNull(minions.deleted_at))!;
  const catalog = await catalogOf(ctx);
  const results = await commit(ctx, [
    ...lockOwnerAndMinion(ctx, userId),
    assertAllInTransaction(ctx.db, {
      minion_not_binned: sql`exists (select from ${minions} where ${binned})`,
      minion_limit_reached: belowMinionLimit(userId),
    }),
    ctx.db.update(minions).set({ deleted_at: null }).where(binned),
    selectMinions(ctx, userId, ownMinion(userId, minionId)),
  ]);
  return { catalog, row: (results.at(-1) as MinionRow[])[0]! };
}

/** Minions deleted per statement. */
const trashBatch = 500;

/** Deletes minions that were in the trash for 30 days, and their avatars. The owner keeps their experience. */
export async function purgeTrash(ctx: Ctx): Promise<void> {
  while ((await purgeTrashBatch(ctx)) === trashBatch);
}

async function purgeTrashBatch(ctx: Ctx): Promise<number> {
  // The condition is repeated because a minion may be restored meanwhile.
  const isExpired = sql`deleted_at < now() - make_interval(days => ${trashRetentionDays})`;
  const hookWrites = ctx.hooks.onMinionsDeleted(ctx, sql`select id from gone`);
  const { rows: deleted } = await ctx.db.execute<{ avatar_key: string | null }>(sql`
    with gone as (
      delete from ${minions} where ${minions.id} in (
        select id from ${minions} where ${isExpired} limit ${trashBatch}
      ) and ${isExpired}
      returning id, user_id, total_training_xp + total_usage_xp as xp, avatar_key
    ), retired as (
      insert into ${retiredExperience} as held (user_id, xp)
      select user_id, sum(xp)::int from gone group by user_id having sum(xp) > 0
      on conflict (user_id) do update set xp = held.xp + excluded.xp
    )${sql.join(hookWrites.map((write, index) => sql`, beside_${sql.raw(String(index))} as (${write})`))}
    select avatar_key from gone`);
  const avatarKeys = deleted.flatMap(({ avatar_key }) => avatar_key ?? []);
  if (avatarKeys.length > 0) await ctx.env.FILES.delete(avatarKeys);
  return deleted.length;
}

type MinionFields = { [K in keyof MinionChange]?: MinionChange[K] | undefined };

/** The columns of a request body. A missing field keeps its default or its current value. */
function columnsOf<T extends MinionFields>({ fallback_models: _rows, ...input }: T) {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as {
    [K in keyof Omit<T, "fallback_models">]: Exclude<T[K], undefined>;
  };
}
