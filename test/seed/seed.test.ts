import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseCatalog, readCatalog, type CatalogSeed } from "../../seed/catalog.ts";
import { seedCatalog } from "../../seed/seed.ts";
import { openTestDatabase, type TestDatabase } from "../support/api.ts";

let catalog: CatalogSeed;

beforeAll(async () => {
  catalog = await readCatalog();
});

/** The catalog with one thing changed. */
function altered(change: (copy: CatalogSeed) => void): CatalogSeed {
  const copy = structuredClone(catalog);
  change(copy);
  return copy;
}

const untouched = { inserted: 0, changed: 0, retired: 0 };

describe("the JSON of the catalog", () => {
  test("it has the expected number of entries", () => {
    const counts = Object.fromEntries(Object.entries(catalog).map(([name, things]) => [name, things.length]));
    expect(counts).toEqual({ spirits: 18, tools: 71, bundles: 7, plans: 4, classes: 16, templates: 23 });
  });

  test.each<[string, (copy: CatalogSeed) => void, string]>([
    [
      "a bundle with an unknown spirit",
      (c) => c.bundles[0]!.spirits.push("Ghost Spirit"),
      'bundles.0.spirits: there is no spirit "Ghost Spirit"',
    ],
    ["a plan with an unknown spirit", (c) => c.plans[1]!.included_spirits.push("Ghost"), "plans.1.included_spirits"],
    ["a class with an unknown spirit", (c) => c.classes[2]!.base_spirits.push("Ghost"), "classes.2.base_spirits"],
    ["a template with an unknown spirit", (c) => (c.templates[0]!.spirits[0] = "Ghost"), "templates.0.spirits"],
    ["a spirit with an unknown tool", (c) => (c.spirits[0]!.tools[0] = "ghost_tool"), "spirits.0.tools"],
    ["a tool that names a spirit which does not bring it", (c) => c.tools[0]!.spirits.push("Healer Spirit"), "tools.0.spirits"],
    [
      "a synergy listed for one spirit only",
      (c) => (c.spirits[0]!.synergies["Healer Spirit"] = 10),
      "spirits.0.synergies.Healer Spirit",
    ],
    ["a synergy told two ways", (c) => (c.spirits[0]!.synergies["Creative Spirit"] = 26), "is not 26 the other way round"],
    ["a conflict that is none", (c) => (c.spirits[0]!.conflicts["Mathematician Spirit"] = 5), "spirits.0.conflicts"],
    [
      "a bundle without savings",
      (c) => (c.bundles[2]!.price_cents = 1198),
      "bundles.2.price_cents: saves nothing: its parts cost 1198",
    ],
    ["a name taken twice", (c) => (c.tools[1]!.name = c.tools[0]!.name), "is taken"],
    ["a negative price", (c) => (c.spirits[1]!.price_cents = -1), "spirits.1.price_cents"],
    ["a rank that is none", (c) => Object.assign(c.spirits[0]!, { unlock_rank: "King" }), "spirits.0.unlock_rank"],
    ["a key that nobody knows", (c) => Object.assign(c.plans[0]!, { colour: "red" }), "colour"],
  ])("it is refused with %s", (_, change, fault) => {
    expect(() => parseCatalog(altered(change))).toThrow(fault);
  });
});

describe("seeding", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  const seed = (copy = catalog) => seedCatalog(database.url, () => {}, copy);
  const version = async () => (await database.sql("select version from catalog_versions"))[0]!["version"];

  test("a second seeding changes nothing", async () => {
    const before = await version();
    const { tallies } = await seed();
    for (const tally of Object.values(tallies)) expect(tally).toEqual(untouched);
    expect(await version()).toBe(before);
  });

  test("a changed entry is updated, and the version is incremented", async () => {
    const before = (await version()) as number;
    const report = await seed(altered((copy) => (copy.plans[1]!.price_cents = 1099)));
    expect(report.tallies).toMatchObject({ plans: { ...untouched, changed: 1 }, spirits: untouched });
    expect(report.version).toBe(before + 1);
    expect(await database.sql("select price_cents from subscription_plans where id = 2")).toEqual([{ price_cents: 1099 }]);
  });

  test("an entry with only a changed list counts as changed", async () => {
    await seed();
    const { tallies } = await seed(
      altered((copy) => (copy.classes[0]!.base_spirits = copy.classes[0]!.base_spirits.toReversed())),
    );
    expect(tallies).toMatchObject({ classes: { ...untouched, changed: 1 }, spirits: untouched });
  });

  test("both spirits count as changed if their synergy did", async () => {
    await seed();
    const { tallies } = await seed(
      altered((copy) => {
        copy.spirits[0]!.synergies["Creative Spirit"] = 26;
        copy.spirits[1]!.synergies["Writer Spirit"] = 26;
      }),
    );
    expect(tallies["spirits"]).toEqual({ ...untouched, changed: 2 });
  });

  test("a removed entry is retired, keeps its row, and can return", async () => {
    await seed();
    const without = altered((copy) => copy.templates.pop());
    expect((await seed(without)).tallies["templates"]).toEqual({ ...untouched, retired: 1 });
    expect(await database.sql("select is_active from minion_templates where id = 23")).toEqual([{ is_active: false }]);
    expect((await seed(without)).tallies["templates"]).toEqual(untouched);
    expect((await seed()).tallies["templates"]).toEqual({ ...untouched, changed: 1 });
  });

  test("an entry never gets another ID", async () => {
    const swapped = altered((copy) => (copy.templates.at(-1)!.id = 99));
    await expect(seed(swapped)).rejects.toThrow('"Brand Strategist" has id 23, and ids never change; the JSON says 99');
  });

  test("seeding is one commit, so an error at its end changes nothing", async () => {
    await seed();
    const before = await version();
    const faulty = altered((copy) => {
      copy.spirits[0]!.description = "never to be seen";
      copy.templates.at(-1)!.id = 99;
    });
    await expect(seed(faulty)).rejects.toThrow("ids never change");
    expect(await database.sql("select 1 from spirits_registry where description = 'never to be seen'")).toEqual([]);
    expect(await version()).toBe(before);
  });

  test("four concurrent seedings increment the version once", async () => {
    const before = (await version()) as number;
    const changed = altered((copy) => (copy.tools[0]!.description = "Changed by one of four."));
    const reports = await Promise.all(Array.from({ length: 4 }, () => seed(changed)));
    expect(reports.filter(({ tallies }) => tallies["tools"]!.changed === 1)).toHaveLength(1);
    expect(reports.filter(({ tallies }) => tallies["tools"]!.changed === 0)).toHaveLength(3);
    expect(await version()).toBe(before + 1);
  });
});

describe("constraints of the catalog", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  test.each([
    ["update spirits_registry set tier = 'legendary' where id = 2", "spirit_tier_known"],
    ["update spirits_registry set unlock_rank = 'King' where id = 2", "spirit_rank_known"],
    ["update spirits_registry set unlock_level = 6 where id = 2", "spirit_unlock_level_in_rank"],
    ["update spirits_registry set max_spirit_level = 11 where id = 2", "spirit_max_level_in_range"],
    ["update spirits_registry set price_cents = -1 where id = 2", "spirit_price_not_negative"],
    ["update spirits_registry set price_cents = 100 where id = 1", "free_tier_costs_nothing"],
    ["update spirits_registry set slug = 'writer' where id = 2", "spirit_slug_taken"],
    ["update spirits_registry set name = 'Writer Spirit' where id = 2", "spirit_name_taken"],
    ["update tools_registry set kind = 'magic' where id = 1", "tool_kind_known"],
    ["update tools_registry set name = 'style_adapter' where id = 1", "tool_name_taken"],
    ["insert into spirit_affinities values (2, 1, 10, 0)", "affinity_lower_id_first"],
    ["insert into spirit_affinities values (1, 4, 101, 0)", "synergy_is_a_percentage"],
    ["insert into spirit_affinities values (1, 4, 0, 1)", "conflict_is_a_negative_percentage"],
    ["insert into spirit_affinities values (1, 4, 0, 0)", "affinity_says_something"],
    ["insert into spirit_tools values (1, 10, 5)", "spirit_has_four_tools"],
    ["insert into spirit_tools values (1, 10, 1)", "spirit_tool_place_taken"],
    ["insert into bundle_spirits values (1, 99, 9)", "bundle_spirits_spirit_id_spirits_registry_id_fk"],
    ["insert into template_spirits values (1, 18, 6)", "template_has_five_spirits"],
    ["update spirit_bundles set price_points = -1 where id = 1", "bundle_price_not_negative"],
    ["update subscription_plans set discount_percent = 101 where id = 1", "plan_discount_is_a_percentage"],
    ["update subscription_plans set billing_cycle = 'daily' where id = 1", "plan_billing_cycle_known"],
    ["update subscription_plans set max_minions = 0 where id = 1", "plan_minions_unlimited_or_some"],
    ["update subscription_plans set max_spirits_per_minion = 6 where id = 1", "plan_spirits_per_minion_in_range"],
    ["update minion_classes set class_name = 'Planner' where id = 2", "class_name_taken"],
    ["insert into catalog_versions values (2, 1)", "catalog_has_one_version"],
  ])("the database refuses %s", async (statement, constraint) => {
    await expect(database.sql(statement)).rejects.toMatchObject({ constraint });
  });
});
