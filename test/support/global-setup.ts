import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { openEmbeddedPostgres } from "../../dev/postgres/embedded-postgres.ts";
import { migrate } from "../../drizzle/migrate.ts";
import { seedCatalog } from "../../seed/seed.ts";
import { buildDevelopment, buildProduction, type BuiltWorker } from "./build-worker.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A data folder of the embedded Postgres, migrated and seeded; each test file works on a copy. */
    seededFolder: string;
    /** Below it, each process has what its Workers store. */
    storageFolder: string;
    /** The Workers of development and production, bundled. */
    built: { development: BuiltWorker; production: BuiltWorker };
  }
}

/** Initialises Postgres and bundles the Worker once for the whole run: that takes seconds, copying a folder does not. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-test-run-"));
  // A server that runs as another user has its files below it.
  await chmod(folder, 0o755);
  const seededFolder = join(folder, "postgres");
  const [development, production] = await Promise.all([
    buildDevelopment(folder),
    buildProduction(folder),
    seedPostgres(seededFolder),
  ]);
  project.provide("seededFolder", seededFolder);
  project.provide("storageFolder", join(folder, "storage"));
  project.provide("built", { development, production });
  return () => rm(folder, { recursive: true, force: true });
}

/** Makes a data folder of the embedded Postgres, migrated and seeded. */
export async function seedPostgres(dataDir: string): Promise<void> {
  const database = await openEmbeddedPostgres({ dataDir });
  await migrate(database.url);
  await seedCatalog(database.url);
  await database.close();
}
