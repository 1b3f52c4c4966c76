import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError, reasonOf } from "../user-error.ts";
import { tryLock } from "./lock.ts";
import { writePrivateFile } from "./private-file.ts";

/** The settings of a process; a name that is empty counts as left out. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Instance {
  /** Absolute path of its data folder. */
  folder: string;
  /** Lets `npm run db:migrate` and its like find the database while the instance runs. */
  record(databaseUrl: string): void;
  release(): void;
}

/** Where local state lives: `SPIRITFORGE_DATA`, or `.data` in the project. */
export function dataDir(env: Environment = process.env): string {
  return resolve(env.SPIRITFORGE_DATA || join(import.meta.dirname, "../../.data"));
}

/**
 * Reserves a data folder for this process, until it releases it or dies.
 *
 * @throws UserError if an instance is running on it, or it cannot be written
 */
export function claimInstance(folder: string): Instance {
  const unlock = lock(folder);
  if (unlock === undefined) {
    const pid = readRecord(folder)?.pid;
    const which = pid === undefined ? "" : ` (process ${pid})`;
    throw new UserError(
      `Spiritforge is already running on ${folder}${which}: stop it, or set SPIRITFORGE_DATA to another folder.`,
    );
  }
  const file = recordFile(folder);
  return {
    folder,
    record(databaseUrl) {
      writePrivateFile(file, `${JSON.stringify({ pid: process.pid, databaseUrl })}\n`);
    },
    release() {
      rmSync(file, { force: true });
      unlock();
    },
  };
}

/** The database URL of the instance that is running on the folder, if one is. */
export function runningDatabase(folder: string): string | undefined {
  const record = readRecord(folder);
  if (record === undefined) return undefined;
  const unlock = lock(folder);
  unlock?.();
  return unlock === undefined ? record.databaseUrl : undefined;
}

const recordFile = (folder: string) => join(folder, "instance.json");

function readRecord(folder: string): { pid: number; databaseUrl: string } | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(folder), "utf8"));
  } catch {
    return undefined;
  }
}

function lock(folder: string): (() => void) | undefined {
  try {
    mkdirSync(folder, { recursive: true });
    return tryLock(join(folder, "instance.lock"));
  } catch (error) {
    throw new UserError(`The data folder ${folder} cannot be used (${reasonOf(error)}).`, { cause: error });
  }
}
