import { eq, sql } from "drizzle-orm";
import { providerErrors } from "../errors.ts";
import type { Ctx } from "../../context.ts";
import type { Env } from "../../env.ts";
import { newSecret } from "../../kit/crypto/hash.ts";
import { assertInTransaction, type Statement } from "../../kit/db/commit.ts";
import { constraintOf } from "../../kit/db/errors.ts";
import { AppError } from "../../kit/errors.ts";
import { lastFour, openVault, VaultError, type DataKeyRow, type Vault } from "../../kit/crypto/vault.ts";
import { externalModels, userDataKeys } from "../tables.ts";

const vaults = new WeakMap<Env, Vault>();

/** The vault of this Worker's secrets. One per isolate, so that data keys are unwrapped once. */
function vaultOf({ env }: Pick<Ctx, "env">): Vault {
  const known = vaults.get(env);
  if (known !== undefined) return known;
  const [current, ...previous] = env.KEY_SECRETS;
  const vault = openVault({ current: current!, previous });
  vaults.set(env, vault);
  return vault;
}

type KeyColumns = Partial<
  Pick<typeof externalModels.$inferInsert, "key_sealed" | "key_ref" | "key_last_four" | "key_rejected_at">
>;

/** The writes that store a key: the columns of the model, and the statements of the same commit. */
export type StoredKeyWrites = { columns: KeyColumns; rows: Statement[] };

const noKey: KeyColumns = { key_sealed: null, key_ref: null, key_last_four: null, key_rejected_at: null };

/**
 * Runs a commit that stores a key, with one more round trip. The first key of a user creates their data key in the same commit. If
 * two first keys are stored at once, the second one is sealed again with the data key of the first.
 * @param apiKey null deletes the key, undefined keeps it
 * @throws the errors of the commit
 */
export async function withStoredKey<T>(
  ctx: Ctx,
  userId: number,
  apiKey: string | null | undefined,
  work: (key: StoredKeyWrites) => Promise<T>,
): Promise<T> {
  if (apiKey == null) return work({ columns: apiKey === null ? noKey : {}, rows: [] });
  const attempt = async () => work(await sealedFor(ctx, userId, apiKey));
  try {
    return await attempt();
  } catch (error) {
    if (constraintOf(error) !== "data_key_taken") throw error;
    return attempt();
  }
}

async function sealedFor(ctx: Ctx, userId: number, apiKey: string): Promise<StoredKeyWrites> {
  const vault = vaultOf(ctx);
  const ofUser = eq(userDataKeys.user_id, userId);
  const stored = { version: userDataKeys.version, wrapped: userDataKeys.wrapped };
  const [known] = await ctx.db.select(stored).from(userDataKeys).where(ofUser);
  const dataKey = known ?? (await vault.wrapNewDataKey(userId));
  const key_ref = newSecret();
  const key_sealed = await vault.seal(dataKey, userId, key_ref, apiKey);
  const columns = { key_ref, key_sealed, key_last_four: lastFour(apiKey), key_rejected_at: null };
  if (known !== undefined) return { columns, rows: [] };
  const isCurrent = sql`exists (select from ${userDataKeys} where ${ofUser} and ${eq(userDataKeys.wrapped, dataKey.wrapped)})`;
  const rows = [
    ctx.db
      .insert(userDataKeys)
      .values({ user_id: userId, ...dataKey })
      .onConflictDoNothing(),
    assertInTransaction(ctx.db, isCurrent, "data_key_taken"),
  ];
  return { columns, rows };
}

/** The sealed key of a model with the row of its data key. */
export type SealedKey = { key_sealed: string | null; key_ref: string | null; data_key: DataKeyRow | null };

/** The columns of `SealedKey`, for a query of models. */
export const sealedKeyColumns = {
  key_sealed: externalModels.key_sealed,
  key_ref: externalModels.key_ref,
  // The nested `sql` keeps the table names of the columns.
  data_key: sql<DataKeyRow | null>`(${sql`
    select json_build_object('version', ${userDataKeys.version}, 'wrapped', ${userDataKeys.wrapped})
    from ${userDataKeys} where ${userDataKeys.user_id} = ${externalModels.user_id}`})`,
};

/** Decrypts the API key of a model; undefined if it has none. @throws provider_not_configured if the key cannot be decrypted */
export async function openKey(
  ctx: Ctx,
  userId: number,
  { key_sealed, key_ref, data_key }: SealedKey,
): Promise<string | undefined> {
  if (key_sealed === null || key_ref === null) return undefined;
  const unreadable = (cause?: unknown) =>
    new AppError(
      providerErrors.provider_not_configured,
      "The stored API key of this model cannot be decrypted. Enter the key again.",
      {
        cause,
      },
    );
  if (data_key === null) throw unreadable();
  try {
    return await vaultOf(ctx).open(data_key, userId, key_ref, key_sealed);
  } catch (error) {
    throw error instanceof VaultError ? unreadable(error) : error;
  }
}
