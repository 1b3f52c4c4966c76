import { and, eq, sql, type SQL } from "drizzle-orm";
import { catalogOf } from "../../catalog/service.ts";
import type { Catalog } from "../../catalog/snapshot.ts";
import { classSpirits, templateSpirits } from "../../catalog/tables.ts";
import type { Ctx } from "../../context.ts";
import { commit, commitOnce, assertAllInTransaction } from "../../kit/db/commit.ts";
import { constraintOf } from "../../kit/db/errors.ts";
import { AppError, validationError, type ValidationIssue } from "../../kit/errors.ts";
import { constraintErrors } from "../errors.ts";
import { candidates, equipChecks, equipStatement, isEquipped, type Candidate } from "./statements.ts";
import {
  updateMinionStatement,
  minionExists,
  lockOwnerAndMinion,
  ownMinion,
  selectMinions,
  slotsOf,
  minionColumns,
  type MinionRow,
  type MinionWithCatalog,
} from "../queries.ts";
import { spiritFaults, type SpiritFault } from "../constants.ts";
import { minionSpirits, minions, spiritMastery } from "../tables.ts";
import type { ToolUses } from "./views.ts";
import { levelSql, userExperience } from "../progression/sql.ts";

type Skipped = { spirit: string; code: SpiritFault };

const notFound = () => new AppError("not_found", "Minion not found.");

/** A minion and its owner's level, which unlocks spirits. One round trip. @throws not_found */
export async function getAvailability(
  ctx: Ctx,
  userId: number,
  minionId: number,
): Promise<MinionWithCatalog & { level: number }> {
  const catalog = await catalogOf(ctx);
  const [row] = await ctx.db
    .select({ ...minionColumns(userId), level: sql<number>`(${levelSql(userExperience(userId))})` })
    .from(minions)
    .where(and(eq(minions.user_id, userId), eq(minions.id, minionId)));
  if (row === undefined) throw notFound();
  return { catalog, row, level: row.level };
}

/** A minion and its tool use counts. One round trip. @throws not_found */
export async function listToolUses(
  ctx: Ctx,
  userId: number,
  minionId: number,
): Promise<MinionWithCatalog & { uses: ToolUses[] }> {
  const catalog = await catalogOf(ctx);
  const { spirit_id, tool_id, uses } = spiritMastery;
  const [[row], rows] = await commit(ctx, [
    selectMinions(ctx, userId, eq(minions.id, minionId)),
    ctx.db.select({ spirit_id, tool_id, uses }).from(spiritMastery).where(eq(spiritMastery.minion_id, minionId)),
  ]);
  if (row === undefined) throw notFound();
  return { catalog, row, uses: rows };
}

/** The spirits of a list, in order. */
function spiritList(spiritIds: readonly number[]): SQL {
  return sql`select spirit_id, place from unnest(${sql.param(spiritIds)}::int[]) with ordinality listed (spirit_id, place)`;
}

/** The base spirits of a class. */
export const ofClass = (classId: number): SQL =>
  sql`select ${classSpirits.spirit_id} as spirit_id, ${classSpirits.position} as place from ${classSpirits} where ${eq(classSpirits.class_id, classId)}`;

/** The spirits of a template, in order. */
export const ofTemplate = (templateId: number): SQL =>
  sql`select ${templateSpirits.spirit_id} as spirit_id, ${templateSpirits.position} as place from ${templateSpirits} where ${eq(templateSpirits.template_id, templateId)}`;

/** Equips a spirit. One round trip. @throws spirit_locked, spirit_not_owned, spirit_limit_reached, spirit_already_equipped, not_found */
export async function equipSpirit(ctx: Ctx, userId: number, minionId: number, spiritId: number): Promise<MinionWithCatalog> {
  const catalog = await catalogOf(ctx);
  requireSpirits(catalog, [spiritId], () => "spirit_id");
  const chosen = spiritList([spiritId]);
  const results = await commitOnce(
    ctx,
    [
      ...lockOwnerAndMinion(ctx, userId, minionId),
      assertAllInTransaction(ctx.db, {
        minion_not_found: minionExists(userId, minionId),
        spirit_already_equipped: sql`not ${isEquipped(minionId, spiritId)}`,
        ...equipChecks(userId, minionId, chosen),
      }),
      equipStatement(ctx, userId, minionId, chosen),
      updateMinionStatement(ctx, userId, minionId),
      selectMinions(ctx, userId, ownMinion(userId, minionId)),
    ],
    sql<string>`${spiritId}::text`,
  );
  return readResult(catalog, results);
}

/**
 * Replaces a minion's loadout, all or nothing. Spirits that are already equipped may stay, even if the owner lost
 * access to them. One round trip.
 * @throws the errors of `equipSpirit`, with `missing`
 */
export async function putLoadout(
  ctx: Ctx,
  userId: number,
  minionId: number,
  spiritIds: readonly number[],
): Promise<MinionWithCatalog> {
  const catalog = await catalogOf(ctx);
  requireSpirits(catalog, spiritIds, (index) => `spirit_ids.${index}`);
  const chosen = spiritList(spiritIds);
  const condition = eq(minionSpirits.minion_id, minionId);
  const { spirit_locked, spirit_not_owned } = equipChecks(userId, minionId, chosen);
  const among = sql`${minionSpirits.spirit_id} = any(${sql.param(spiritIds)}::int[])`;
  return withMissingSpirits(ctx, candidates(userId, minionId, chosen), async () =>
    readResult(
      catalog,
      await commit(ctx, [
        ...lockOwnerAndMinion(ctx, userId, minionId),
        assertAllInTransaction(ctx.db, {
          minion_not_found: minionExists(userId, minionId),
          spirit_locked: spirit_locked!,
          spirit_not_owned: spirit_not_owned!,
          spirit_limit_reached: sql`${spiritIds.length} <= ${slotsOf(userId)}`,
        }),
        ctx.db
          .update(minionSpirits)
          .set({ equipped_at: sql`now()` })
          .where(and(condition, among, sql`${minionSpirits.position} is null`)),
        ctx.db.update(minionSpirits).set({ position: null }).where(condition),
        ctx.db.execute(sql`
          insert into ${minionSpirits} (minion_id, spirit_id, position) select ${minionId}, spirit_id, place from (${chosen}) chosen
          on conflict (minion_id, spirit_id) do update set position = excluded.position`),
        updateMinionStatement(ctx, userId, minionId),
        selectMinions(ctx, userId, ownMinion(userId, minionId)),
      ]),
    ),
  );
}

/** Unequips a spirit; it keeps its experience. One round trip. @throws not_found */
export async function unequipSpirit(ctx: Ctx, userId: number, minionId: number, spiritId: number): Promise<MinionWithCatalog> {
  const condition = and(eq(minionSpirits.minion_id, minionId), eq(minionSpirits.spirit_id, spiritId));
  const catalog = await catalogOf(ctx);
  const results = await commit(ctx, [
    ...lockOwnerAndMinion(ctx, userId, minionId),
    assertAllInTransaction(ctx.db, {
      minion_not_found: minionExists(userId, minionId),
      spirit_not_equipped: isEquipped(minionId, spiritId),
    }),
    ctx.db.update(minionSpirits).set({ position: null }).where(condition),
    updateMinionStatement(ctx, userId, minionId),
    selectMinions(ctx, userId, ownMinion(userId, minionId)),
  ]);
  return readResult(catalog, results);
}

/**
 * Assigns a class and equips its base spirits in addition, all or nothing. One round trip.
 * @throws the errors of `equipSpirit`, with `missing`; not_found for an unknown class or minion
 */
export async function assignClass(ctx: Ctx, userId: number, minionId: number, className: string): Promise<MinionWithCatalog> {
  const catalog = await catalogOf(ctx);
  const { id: class_id } = classNamed(catalog, className);
  const chosen = ofClass(class_id);
  return withMissingSpirits(ctx, candidates(userId, minionId, chosen), async () =>
    readResult(
      catalog,
      await commit(ctx, [
        ...lockOwnerAndMinion(ctx, userId, minionId),
        assertAllInTransaction(ctx.db, {
          minion_not_found: minionExists(userId, minionId),
          ...equipChecks(userId, minionId, chosen),
        }),
        equipStatement(ctx, userId, minionId, chosen),
        updateMinionStatement(ctx, userId, minionId, { class_id }),
        selectMinions(ctx, userId, ownMinion(userId, minionId)),
      ]),
    ),
  );
}

/** Removes a minion's class; its spirits stay. One round trip. @throws not_found */
export async function removeClass(ctx: Ctx, userId: number, minionId: number): Promise<MinionWithCatalog> {
  const catalog = await catalogOf(ctx);
  const results = await commit(ctx, [
    ...lockOwnerAndMinion(ctx, userId, minionId),
    assertAllInTransaction(ctx.db, { minion_not_found: minionExists(userId, minionId) }),
    updateMinionStatement(ctx, userId, minionId, { class_id: null }),
    selectMinions(ctx, userId, ownMinion(userId, minionId)),
  ]);
  return readResult(catalog, results);
}

/** Finds a class by name, case-insensitive. @throws validation_failed */
export function classNamed(
  { classes }: Catalog,
  name: string,
  where: ValidationIssue["in"] = "body",
): Catalog["classes"][number] {
  const wanted = name.toLowerCase();
  const known = classes.find(({ class_name }) => class_name.toLowerCase() === wanted);
  if (known === undefined)
    throw validationError([{ path: "class_name", in: where, message: `class “${name}” does not exist` }]);
  return known;
}

/** Runs an all-or-nothing commit. On refusal, the error lists each missing spirit with a reason (one more round trip). */
export async function withMissingSpirits<T>(ctx: Ctx, wanted: SQL<Candidate>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = spiritFaults.find((fault) => fault === constraintOf(cause));
    if (code === undefined) throw cause;
    const { rows } = await ctx.db.execute<Candidate>(wanted);
    const faults = rows.map((candidate): Skipped => ({
      spirit: candidate.name,
      code: equipError(candidate) ?? "spirit_limit_reached",
    }));
    const missing = faults.filter(({ code: fault }) => fault !== "spirit_limit_reached" || code === fault);
    const { type, detail } = constraintErrors[code];
    throw new AppError(type, detail, { cause, extensions: { missing } });
  }
}

const equipError = ({ unlocked, owned }: Pick<Candidate, "unlocked" | "owned">): SpiritFault | undefined =>
  unlocked ? (owned ? undefined : "spirit_not_owned") : "spirit_locked";

/** The candidates of a template that were not equipped, and why. */
export function skippedSpirits(wanted: readonly Candidate[], { spirits }: Pick<MinionRow, "spirits">): Skipped[] {
  const equipped = new Set(spirits.map(({ spirit_id }) => spirit_id));
  return wanted.flatMap((candidate) =>
    equipped.has(candidate.spirit_id)
      ? []
      : [{ spirit: candidate.name, code: equipError(candidate) ?? "spirit_limit_reached" }],
  );
}

/** @throws validation_failed, which lists every unknown spirit ID */
function requireSpirits({ spirits }: Catalog, ids: readonly number[], pathOf: (index: number) => string): void {
  const faults = ids.flatMap((id, index) =>
    spirits.some((spirit) => spirit.id === id)
      ? []
      : [{ path: pathOf(index), in: "body" as const, message: `spirit ${id} does not exist` }],
  );
  if (faults.length > 0) throw validationError(faults);
}

/** The minion from the last statement of a commit. */
function readResult(catalog: Catalog, results: readonly unknown[]): MinionWithCatalog {
  return { catalog, row: (results.at(-1) as MinionRow[])[0]! };
}
