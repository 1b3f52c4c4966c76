import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { connect } from "../dev/postgres/connect.ts";
import { resolveDatabase } from "../dev/postgres/resolve-database.ts";
import { runCommand } from "../dev/user-error.ts";

import * as tables from "../src/catalog/tables.ts";
import { readCatalog, type CatalogSeed } from "./catalog.ts";
import { relink, upsertRows, type Tally, type Transaction } from "./upsert.ts";

export type SeedReport = {
  version: number;
  tallies: Record<string, { inserted: number; changed: number; retired: number }>;
};

/**
 * Loads the catalog in one commit: twice in a row changes nothing. The catalog's version moves if anything else did.
 * @throws an error where the JSON contradicts itself or the database
 */
export async function seedCatalog(
  databaseUrl: string,
  log: (line: string) => void = () => {},
  catalog?: CatalogSeed,
): Promise<SeedReport> {
  const seed = catalog ?? (await readCatalog());
  const client = await connect(databaseUrl);
  try {
    const report = await drizzle(client).transaction((tx) => load(tx, seed));
    const moved = Object.entries(report.tallies).filter(([, tally]) => Object.values(tally).some((rows) => rows > 0));
    for (const [name, { inserted, changed, retired }] of moved) {
      log(`${name}: ${inserted} inserted, ${changed} changed, ${retired} retired`);
    }
    log(`catalog version ${report.version}${moved.length === 0 ? ": nothing changed" : ""}`);
    return report;
  } finally {
    await client.end();
  }
}

async function load(tx: Transaction, seed: CatalogSeed): Promise<SeedReport> {
  const { catalogVersions } = tables;
  await tx.insert(catalogVersions).values({ version: 0 }).onConflictDoNothing();
  const [before] = await tx.select().from(catalogVersions).for("update");

  const spiritIds = new Map(seed.spirits.map(({ name, id }) => [name, id]));
  const toolIds = new Map(seed.tools.map(({ name, id }) => [name, id]));
  const members = <T extends { id: number }>(owners: T[], names: (owner: T) => string[], ids = spiritIds) =>
    new Map(owners.map((owner) => [owner.id, names(owner).flatMap((name) => ids.get(name) ?? [])]));

  const spirits = await upsertRows(
    tx,
    tables.spirits,
    tables.spirits.slug,
    seed.spirits.map(({ tools: _tools, synergies: _synergies, conflicts: _conflicts, ...row }) => row),
  );
  const tools = await upsertRows(
    tx,
    tables.tools,
    tables.tools.name,
    seed.tools.map(({ spirits: _spirits, ...row }) => row),
  );
  const bundles = await upsertRows(
    tx,
    tables.bundles,
    tables.bundles.name,
    seed.bundles.map(({ spirits: _spirits, ...row }) => row),
  );
  const plans = await upsertRows(
    tx,
    tables.plans,
    tables.plans.name,
    seed.plans.map(({ included_spirits: _spirits, ...row }) => row),
  );
  const classes = await upsertRows(
    tx,
    tables.classes,
    tables.classes.class_name,
    seed.classes.map(({ base_spirits: _spirits, ...row }) => row),
  );
  const templates = await upsertRows(
    tx,
    tables.templates,
    tables.templates.name,
    seed.templates.map(({ spirits: _spirits, ...row }) => row),
  );

  await relink(
    tx,
    tables.spiritTools,
    members(seed.spirits, (spirit) => spirit.tools, toolIds),
    spirits,
  );
  await relink(
    tx,
    tables.bundleSpirits,
    members(seed.bundles, (bundle) => bundle.spirits),
    bundles,
  );
  await relink(
    tx,
    tables.planSpirits,
    members(seed.plans, (plan) => plan.included_spirits),
    plans,
  );
  await relink(
    tx,
    tables.classSpirits,
    members(seed.classes, (item) => item.base_spirits),
    classes,
  );
  await relink(
    tx,
    tables.templateSpirits,
    members(seed.templates, (template) => template.spirits),
    templates,
  );
  await replaceAffinities(tx, seed, spiritIds, spirits);

  const tallies = count({ spirits, tools, bundles, plans, classes, templates });
  const moved = Object.values(tallies).some(({ inserted, changed, retired }) => inserted + changed + retired > 0);
  if (!moved) return { version: before!.version, tallies };
  const [after] = await tx
    .update(catalogVersions)
    .set({ version: sql`${catalogVersions.version} + 1`, updated_at: sql`now()` })
    .returning();
  return { version: after!.version, tallies };
}

/** Replaces the pairs by those of the JSON, each once, and records which spirits changed. */
async function replaceAffinities(tx: Transaction, seed: CatalogSeed, ids: Map<string, number>, tally: Tally): Promise<void> {
  const table = tables.spiritAffinities;
  const wanted = seed.spirits.flatMap((spirit) =>
    [...new Set([...Object.keys(spirit.synergies), ...Object.keys(spirit.conflicts)])].flatMap((partner) => {
      const other = ids.get(partner)!;
      if (other < spirit.id) return [];
      const synergy_percent = spirit.synergies[partner] ?? 0;
      return [{ spirit_a: spirit.id, spirit_b: other, synergy_percent, conflict_percent: spirit.conflicts[partner] ?? 0 }];
    }),
  );
  const pairKey = ({ spirit_a, spirit_b, synergy_percent, conflict_percent }: (typeof wanted)[number]) =>
    [spirit_a, spirit_b, synergy_percent, conflict_percent].join();
  const existing = await tx.select().from(table);
  const now = new Set(existing.map(pairKey));
  const then = new Set(wanted.map(pairKey));
  const differing = [
    ...existing.filter((pair) => !then.has(pairKey(pair))),
    ...wanted.filter((pair) => !now.has(pairKey(pair))),
  ];
  if (differing.length === 0) return;
  await tx.delete(table);
  if (wanted.length > 0) await tx.insert(table).values(wanted);
  for (const id of differing.flatMap(({ spirit_a, spirit_b }) => [spirit_a, spirit_b])) {
    if (!tally.inserted.has(id) && !tally.retired.has(id)) tally.changed.add(id);
  }
}

function count(tallies: Record<string, Tally>): SeedReport["tallies"] {
  return Object.fromEntries(
    Object.entries(tallies).map(([name, { inserted, changed, retired }]) => [
      name,
      { inserted: inserted.size, changed: changed.size, retired: retired.size },
    ]),
  );
}

if (import.meta.main) {
  await runCommand(async () => {
    const database = await resolveDatabase();
    try {
      await seedCatalog(database.url, console.log);
    } finally {
      await database.close();
    }
  });
}
