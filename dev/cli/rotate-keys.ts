import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { KeySecrets } from "../../src/env.ts";
import { openVault, VaultError } from "../../src/kit/crypto/vault.ts";
import { connect } from "../postgres/connect.ts";
import { resolveDatabase } from "../postgres/resolve-database.ts";
import { UserError, runCommand } from "../user-error.ts";
import { readSettings } from "./settings.ts";

/** `npm run keys:rotate`: wraps the data keys of all users under the first secret of KEY_SECRETS, while the Worker runs. */

export interface Rotation {
  /** Data keys that are under the current secret now, and were not before. */
  rotated: number;
  /** Data keys that no secret of KEY_SECRETS opens; they stay as they are. */
  unreadable: number;
}

const batchSize = 200;

/**
 * Wraps every data key that is under an older secret anew. What was sealed under it stays as it is, and a Worker that has both
 * secrets reads it before, meanwhile and after. May be stopped and run again, and by two at once.
 *
 * @param keySecrets as in KEY_SECRETS: the new secret first, the older ones after it
 * @throws UserError where KEY_SECRETS is not what it should be; never says a secret
 */
export async function rotateKeys(
  databaseUrl: string,
  keySecrets: string,
  log: (line: string) => void = () => {},
): Promise<Rotation> {
  const parsed = KeySecrets.safeParse(keySecrets);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => [...path, message].join(": "));
    throw new UserError(`KEY_SECRETS is not right: ${faults.join("; ")}.`);
  }
  const [current, ...previous] = parsed.data;
  const vault = openVault({ current: current!, previous });
  const client = await connect(databaseUrl);
  const done: Rotation = { rotated: 0, unreadable: 0 };
  try {
    for (let after = 0; ;) {
      const { rows } = await client.query<{ user_id: number; version: number; wrapped: string }>(
        "select user_id, version, wrapped from user_data_keys where version <> $1 and user_id > $2 order by user_id limit $3",
        [current!.version, after, batchSize],
      );
      for (const { user_id, ...row } of rows) {
        after = user_id;
        try {
          const { version, wrapped } = await vault.rewrap(row, user_id);
          // Only what was read is replaced: another run may have been faster.
          const { rowCount } = await client.query(
            "update user_data_keys set version = $1, wrapped = $2 where user_id = $3 and wrapped = $4",
            [version, wrapped, user_id, row.wrapped],
          );
          done.rotated += rowCount ?? 0;
        } catch (error) {
          if (!(error instanceof VaultError)) throw error;
          done.unreadable += 1;
          log(`The data key of user ${user_id}, of version ${row.version}, cannot be read: ${error.message}`);
        }
      }
      if (rows.length < batchSize) return done;
    }
  } finally {
    await client.end();
  }
}

/** KEY_SECRETS of the environment, else of the development secrets. @throws UserError */
function readKeySecrets(): string {
  if (process.env.KEY_SECRETS) return process.env.KEY_SECRETS;
  const { secretsFile } = readSettings(process.env);
  try {
    const { KEY_SECRETS } = parseEnv(readFileSync(secretsFile, "utf8"));
    if (KEY_SECRETS) return KEY_SECRETS;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  throw new UserError("KEY_SECRETS is not set: the new secret first, then the older ones, as `2:… 1:…`.");
}

if (import.meta.main) {
  await runCommand(async () => {
    const keySecrets = readKeySecrets();
    const database = await resolveDatabase();
    try {
      const { rotated, unreadable } = await rotateKeys(database.url, keySecrets, console.log);
      console.log(`${rotated} data keys are under the current secret now.`);
      if (unreadable > 0) throw new UserError(`${unreadable} could not be read: keep the older secrets.`);
    } finally {
      await database.close();
    }
  });
}
