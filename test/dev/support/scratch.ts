import { cpSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject, onTestFinished } from "vitest";
import { openEmbeddedPostgres, type EmbeddedPostgres } from "../../../dev/postgres/embedded-postgres.ts";

/** An empty folder. */
export function makeFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "spiritforge-dev-"));
}

/** A data folder with a seeded Postgres in `postgres/`. (initdb takes seconds, a copy of what it made does not.) */
export async function makeSeededFolder(): Promise<string> {
  const folder = await makeFolder();
  cpSync(inject("seededFolder"), join(folder, "postgres"), { recursive: true });
  return folder;
}

/** A Postgres on a `makeSeededFolder` of its own, which goes when it is closed. */
export async function openSeededPostgres(): Promise<EmbeddedPostgres> {
  const folder = await makeSeededFolder();
  const postgres = await openEmbeddedPostgres({ dataDir: join(folder, "postgres") });
  const close = async () => {
    await postgres.close();
    await removeFolder(folder);
  };
  return { ...postgres, close };
}

/** `makeFolder`, until the test is over. */
export const scratchFolder = () => untilFinished(makeFolder());

/** `makeSeededFolder`, until the test is over. */
export const seededFolder = () => untilFinished(makeSeededFolder());

async function untilFinished(making: Promise<string>): Promise<string> {
  const folder = await making;
  onTestFinished(() => removeFolder(folder));
  return folder;
}

export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}
