import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError, reasonOf } from "../user-error.ts";
import { tryLock } from "./lock.ts";

export interface PostgresDir {
  /** True if the folder held no database. */
  isNew: boolean;
  /** To be called once the database is there; what a start left that was killed before, the next one removes. */
  initialised(): void;
  release(): void;
}

/**
 * Reserves a folder for one embedded Postgres, which itself would let two processes ruin it. The lock is a file beside the
 * folder, `<path>.lock`.
 *
 * @throws UserError if another process uses the folder or it cannot be written
 */
export function claimPostgresDir(path: string): PostgresDir {
  const unfinished = join(path, "initdb.unfinished");
  let release: (() => void) | undefined;
  let isNew = false;
  try {
    mkdirSync(path, { recursive: true });
    release = tryLock(`${path}.lock`);
    if (release !== undefined) isNew = prepare(path, unfinished);
  } catch (error) {
    release?.();
    throw new UserError(`The data folder ${path} cannot be used (${reasonOf(error)}).`, { cause: error });
  }
  if (release === undefined) {
    throw new UserError(`The data folder ${path} is in use by another process: stop that one, or choose another folder.`);
  }
  return { isNew, release, initialised: () => rmSync(unfinished, { force: true }) };
}

/** @returns whether a database is to be made */
function prepare(path: string, unfinished: string): boolean {
  if (existsSync(unfinished)) {
    rmSync(path, { recursive: true });
    mkdirSync(path);
  }
  const isNew = !existsSync(join(path, "PG_VERSION"));
  if (isNew) writeFileSync(unfinished, "");
  return isNew;
}
