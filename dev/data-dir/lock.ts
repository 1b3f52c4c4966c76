import { DatabaseSync } from "node:sqlite";

/** How long a holder that is about to let go is waited for. */
const PATIENCE_MS = 300;
const SQLITE_BUSY = 5;

/**
 * Takes the lock of the file at `path`. Creates the file if it does not exist.
 *
 * It is SQLite's exclusive lock, so the kernel drops it when the process dies, however it dies: nothing goes stale, as a
 * file with a process id in it would.
 *
 * @returns the function that releases it, or `undefined` if another process, or this one, holds it already
 */
export function tryLock(path: string): (() => void) | undefined {
  const file = new DatabaseSync(path, { timeout: PATIENCE_MS });
  try {
    file.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return () => file.close();
  } catch (error) {
    file.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
}
