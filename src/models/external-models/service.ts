import { eq, lt, sql, type AnyColumn, type SQL } from "drizzle-orm";
import { users } from "../../auth/tables.ts";
import { maxModels, type Quirks } from "../constants.ts";
import type { Ctx } from "../../context.ts";
import { commit, commitOnce, idOfNew, assertAllInTransaction, type Statement } from "../../kit/db/commit.ts";
import { constraintOf } from "../../kit/db/errors.ts";
import { AppError, validationError } from "../../kit/errors.ts";
import { storePicture } from "../../kit/storage/avatars.ts";
import { paginate, type PageQueryOutput } from "../../kit/http/zod-schemas.ts";
import type { PgUpdateSetSource } from "drizzle-orm/pg-core";
import { invalidatingSettings } from "../../notifications/hub-client.ts";
import { faultOfBaseUrl } from "../providers/guarded-fetch.ts";
import { withStoredKey } from "./api-keys.ts";
import { mergedQuirks } from "./keep-quirks.ts";
import { kindByName, summarize } from "../providers/list-models.ts";
import { openProvider } from "../providers/registry.ts";
import { whereOwnModel, selectModels, type ModelRow } from "../queries.ts";
import type { ModelChange, NewModel } from "../schemas.ts";
import { externalModels } from "../tables.ts";

/** Lists a user's models, newest first, with their total number. One round trip. */
export async function listModels(ctx: Ctx, userId: number, { limit, cursor }: PageQueryOutput) {
  const [rows, [count]] = await commit(ctx, [
    selectModels(ctx, userId, cursor === undefined ? undefined : lt(externalModels.id, cursor))
      .orderBy(sql`${externalModels.id} desc`)
      .limit(limit + 1),
    ctx.db
      .select({ total: sql<number>`count(*)::int` })
      .from(externalModels)
      .where(eq(externalModels.user_id, userId)),
  ]);
  return { ...paginate(rows, limit), total: count!.total };
}

/** Reads a model. One round trip. @throws not_found */
export async function getModel(ctx: Ctx, userId: number, modelId: number): Promise<ModelRow> {
  const [row] = await selectModels(ctx, userId, whereOwnModel(userId, modelId));
  if (row === undefined) throw new AppError("not_found", "You have no model with this ID.");
  return row;
}

export { maxModels };

const belowModelLimit = (userId: number): SQL =>
  sql`(select count(*) from ${externalModels} where ${eq(externalModels.user_id, userId)}) < ${maxModels}`;

/**
 * Creates a model. One round trip, and another if it has a key.
 * @param picture its avatar
 * @throws model_limit_reached, display_name_taken; validation_failed for a forbidden base URL; unsupported_media_type, files_unavailable
 */
export async function createModel(
  ctx: Ctx,
  userId: number,
  { api_key, ...input }: NewModel,
  picture?: Uint8Array,
): Promise<ModelRow> {
  await requireSafe(ctx, input);
  if (picture === undefined) return insertModel(ctx, userId, { api_key, ...input }, null);
  // A new model has no ID yet. The name of the file is unique without it.
  const avatarKey = await storePicture(ctx.env.FILES, userId, "model-0", picture);
  try {
    return await insertModel(ctx, userId, { api_key, ...input }, avatarKey);
  } catch (error) {
    dropPicture(ctx, avatarKey);
    throw error;
  }
}

async function insertModel(
  ctx: Ctx,
  userId: number,
  { api_key, quirks = {}, ...input }: NewModel,
  avatar_key: string | null,
): Promise<ModelRow> {
  const { name, provider, model_id } = input;
  const row = { display_name: name, capabilities: likelyCapabilities(provider, model_id), ...definedFields(input) };
  const newId = sql<number>`currval(pg_get_serial_sequence('external_models', 'id'))::int`;
  return withStoredKey(ctx, userId, api_key, async ({ columns, rows }) => {
    const results = await commitOnce(
      ctx,
      [
        ctx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update"),
        assertAllInTransaction(ctx.db, { model_limit_reached: belowModelLimit(userId) }),
        ctx.db.insert(externalModels).values({
          ...row,
          name,
          provider,
          model_id,
          avatar_key,
          ...columns,
          quirks: withoutNulls(quirks),
          user_id: userId,
        }),
        ...rows,
        selectModels(ctx, userId, whereOwnModel(userId, newId)),
      ],
      idOfNew(externalModels),
    );
    return (results.at(-1) as ModelRow[])[0]!;
  });
}

/**
 * Updates a model. One round trip, and another if it gets a key. A stored key is only sent to the address it was entered for.
 * @param expectedVersion the version to update; any version if undefined
 * @throws precondition_failed, display_name_taken, not_found; validation_failed for a forbidden base URL, or a key that must be sent again
 */
export async function changeModel(
  ctx: Ctx,
  userId: number,
  modelId: number,
  { api_key, quirks, ...change }: ModelChange,
  expectedVersion: number | undefined,
): Promise<ModelRow> {
  await requireSafe(ctx, change);
  const { base_url, provider } = change;
  const ownModel = whereOwnModel(userId, modelId);
  const valueOf = (condition: SQL) => sql`(select ${condition} from ${externalModels} where ${ownModel})`;
  const keepsAddress = sql`${externalModels.key_sealed} is null
    or (${base_url === undefined ? sql`true` : sql`${externalModels.base_url} is not distinct from ${base_url}`}
      and ${provider === undefined ? sql`true` : eq(externalModels.provider, provider)})`;
  const assertions = {
    ...(expectedVersion === undefined ? {} : { version_changed: valueOf(eq(externalModels.version, expectedVersion)) }),
    ...(api_key === undefined ? { model_key_needed: valueOf(keepsAddress) } : {}),
  };
  return withStoredKey(ctx, userId, api_key, ({ columns, rows }) =>
    updateAndRead(ctx, userId, modelId, {
      assertions,
      rows: [
        ...rows,
        updateStatement(ctx, userId, modelId, { ...definedFields(change), ...quirkColumns(change, quirks), ...columns }),
      ],
    }),
  );
}

/** Toggles whether a model is a favorite. This is not counted as an edit. One round trip. @throws not_found */
export function toggleFavorite(ctx: Ctx, userId: number, modelId: number): Promise<ModelRow> {
  const toggle = ctx.db
    .update(externalModels)
    .set({ is_favorite: sql`not ${externalModels.is_favorite}` })
    .where(whereOwnModel(userId, modelId));
  return updateAndRead(ctx, userId, modelId, { rows: [toggle] });
}

/** Deletes a model, its key and its picture. One round trip. @throws not_found; conflict while a minion uses it */
export async function deleteModel(ctx: Ctx, userId: number, modelId: number): Promise<void> {
  const ownModel = whereOwnModel(userId, modelId);
  try {
    const [, , deleted] = await commit(ctx, [
      lockModel(ctx, ownModel),
      assertAllInTransaction(ctx.db, { model_not_found: modelExists(ownModel) }),
      ctx.db.delete(externalModels).where(ownModel).returning({ avatar_key: externalModels.avatar_key }),
    ]);
    dropPicture(ctx, deleted[0]?.avatar_key);
  } catch (error) {
    const constraint = constraintOf(error) ?? "";
    if (!["minion_model_owned", "minion_fallback_owned"].includes(constraint)) throw error;
    const detail =
      "A minion uses this model, as its model or as a fallback. Give that minion another model first; also check the bin.";
    throw new AppError("conflict", detail, { cause: error });
  }
}

/** Stores a picture for a model. One Postgres round trip. @throws unsupported_media_type if the file is not a picture; not_found, files_unavailable */
export async function putModelAvatar(ctx: Ctx, userId: number, modelId: number, bytes: Uint8Array): Promise<ModelRow> {
  const key = await storePicture(ctx.env.FILES, userId, `model-${modelId}`, bytes);
  const ownModel = whereOwnModel(userId, modelId);
  try {
    const results = await commit(ctx, [
      lockModel(ctx, ownModel),
      assertAllInTransaction(ctx.db, { model_not_found: modelExists(ownModel) }),
      ctx.db.select({ key: externalModels.avatar_key }).from(externalModels).where(ownModel),
      updateStatement(ctx, userId, modelId, { avatar_key: key }),
      selectModels(ctx, userId, ownModel),
    ]);
    dropPicture(ctx, results[2][0]?.key);
    return results[4][0]!;
  } catch (error) {
    if (constraintOf(error) === "model_not_found") dropPicture(ctx, key);
    throw error;
  }
}

/** Counts the models of the caller: 0 for an anonymous one. One Postgres round trip in both cases, so that it also checks Postgres. */
export async function countModels({ db, actor }: Ctx): Promise<number> {
  const userId = "userId" in actor ? actor.userId : null;
  const [count] = await db
    .select({ total: sql<number>`count(*)::int` })
    .from(externalModels)
    .where(sql`${externalModels.user_id} = ${userId}`);
  return count!.total;
}

/** The statement that updates a model and its version. */
export function updateStatement(
  ctx: Ctx,
  userId: number,
  modelId: number,
  change: PgUpdateSetSource<typeof externalModels>,
): Statement {
  const edit = ctx.db
    .update(externalModels)
    .set({ ...change, version: sql`${externalModels.version} + 1`, updated_at: sql`now()` })
    .where(whereOwnModel(userId, modelId));
  return invalidatingSettings(ctx, userId, edit);
}

/** Commits a change of one model and reads it. @throws not_found, and the codes of `assertions` */
export async function updateAndRead(
  ctx: Ctx,
  userId: number,
  modelId: number,
  { assertions = {}, rows }: { assertions?: Record<string, SQL>; rows: readonly Statement[] },
): Promise<ModelRow> {
  const ownModel = whereOwnModel(userId, modelId);
  const results = await commit(ctx, [
    lockModel(ctx, ownModel),
    assertAllInTransaction(ctx.db, { model_not_found: modelExists(ownModel), ...assertions }),
    ...rows,
    selectModels(ctx, userId, ownModel),
  ]);
  return (results.at(-1) as ModelRow[])[0]!;
}

const lockModel = (ctx: Ctx, ownModel: SQL) =>
  ctx.db.select({ id: externalModels.id }).from(externalModels).where(ownModel).for("no key update");

const modelExists = (ownModel: SQL): SQL => sql`exists (select from ${externalModels} where ${ownModel})`;

function dropPicture(ctx: Ctx, key: string | null | undefined): void {
  if (key != null) ctx.waitUntil(ctx.env.FILES.delete(key).catch(() => undefined));
}

/** Checks the base URL. @throws validation_failed for a forbidden one */
export async function requireSafe(
  ctx: Pick<Ctx, "env">,
  { base_url }: { base_url?: string | null | undefined },
): Promise<void> {
  const fault = base_url == null ? undefined : await faultOfBaseUrl(ctx, base_url);
  if (fault !== undefined) throw validationError([{ path: "base_url", in: "body", message: fault }]);
}

/** The default capabilities of a model, guessed from its name. */
function likelyCapabilities(name: NewModel["provider"], model_id: string): string[] {
  const provider = openProvider(name);
  const kind = kindByName(model_id) ?? "language";
  return [
    ...summarize(provider, { model_id, kind, supports_tools: provider.supports_tools && kind === "language" }).capabilities,
  ];
}

type QuirksChange = ModelChange["quirks"];

const withoutNulls = (quirks: NonNullable<QuirksChange>): Quirks =>
  Object.fromEntries(Object.entries(quirks).filter(([, value]) => value !== null));

/** The quirks after an edit. Those of another server or model are forgotten. */
function quirkColumns({ base_url, provider, model_id }: ModelChange, quirks: QuirksChange = {}): { quirks?: SQL } {
  const is = (column: AnyColumn, value: unknown) =>
    value === undefined ? sql`true` : sql`${column} is not distinct from ${value}`;
  const isNamed = base_url !== undefined || provider !== undefined || model_id !== undefined;
  if (!isNamed) return Object.keys(quirks).length === 0 ? {} : { quirks: mergedQuirks(quirks) };
  const isSame = sql`${is(externalModels.base_url, base_url)} and ${is(externalModels.provider, provider)}
    and ${is(externalModels.model_id, model_id)}`;
  return {
    quirks: sql`case when ${isSame} then ${mergedQuirks(quirks)} else ${JSON.stringify(withoutNulls(quirks))}::jsonb end`,
  };
}

/** Removes undefined fields, so that omitted fields keep their default or their value. */
function definedFields<T extends object>(input: T) {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
