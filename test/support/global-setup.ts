import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { openEmbeddedPostgres } from "../../dev/postgres.ts";
import { migrate } from "../../drizzle/migrate.ts";
import { seedCatalog } from "../../seed/seed.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A data folder of the embedded Postgres, migrated and seeded; each test file works on a copy. */
    seededFolder: string;
  }
}

/** Initialises Postgres once for the whole run: that takes seconds, copying its folder does not. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-seeded-"));
  const database = await openEmbeddedPostgres({ dataDir: join(folder, "postgres") });
  await migrate(database.url);
  await seedCatalog(database.url);
  await database.close();
  project.provide("seededFolder", join(folder, "postgres"));
  return () => rm(folder, { recursive: true, force: true });
}
