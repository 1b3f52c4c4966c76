import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { UserError } from "../dev/user-error.ts";
import { billingCycles, levelsPerRank, ranks, tiers, toolKinds } from "../src/catalog/constants.ts";

const id = z.int().positive();
const words = z.string().trim().min(1);
const amount = z.int().min(0);
const names = z.array(words).refine((list) => new Set(list).size === list.length, "names one twice");

const Spirit = z.strictObject({
  id,
  slug: z.string().regex(/^[a-z][a-z0-9-]*$/),
  name: words,
  category: words,
  icon: words,
  description: words,
  unlock_rank: z.enum(ranks),
  unlock_level: z.int().min(1).max(levelsPerRank),
  max_spirit_level: z.int().min(1).max(10),
  tier: z.enum(tiers),
  price_cents: amount,
  price_points: amount,
  tools: names.length(4),
  synergies: z.record(z.string(), z.int().min(1).max(100)),
  conflicts: z.record(z.string(), z.int().min(-100).max(-1)),
});

const Tool = z.strictObject({
  id,
  name: z.string().regex(/^[a-z][a-z0-9_]*$/),
  category: words,
  kind: z.enum(toolKinds),
  description: words,
  spirits: names.min(1),
});

const Bundle = z.strictObject({
  id,
  name: words,
  icon: words,
  category: words,
  description: words,
  spirits: names.min(2),
  price_cents: amount,
  price_points: amount,
  is_popular: z.boolean(),
});

const Plan = z.strictObject({
  id,
  name: words,
  price_cents: amount,
  billing_cycle: z.enum(billingCycles),
  included_spirits: names,
  discount_percent: z.int().min(0).max(100),
  monthly_points: amount,
  max_minions: z.union([z.literal(-1), z.int().positive()]),
  max_spirits_per_minion: z.int().min(1).max(5),
  features: z.array(words),
});

const MinionClass = z.strictObject({
  id,
  class_name: words,
  icon: words,
  category: words,
  base_spirits: names.min(1),
  specialization: words,
  perfect_for: z.array(words),
});

const Template = z.strictObject({
  id,
  name: words,
  icon: words,
  category: words,
  description: words,
  spirits: names.length(5),
});

const Catalog = z
  .strictObject({
    spirits: z.array(Spirit),
    tools: z.array(Tool),
    bundles: z.array(Bundle),
    plans: z.array(Plan),
    classes: z.array(MinionClass),
    templates: z.array(Template),
  })
  .superRefine((catalog, context) => {
    for (const { path, message } of contradictions(catalog)) context.addIssue({ code: "custom", path, message });
  });

export type CatalogSeed = z.output<typeof Catalog>;

type Contradiction = { path: (string | number)[]; message: string };

/** Validates the catalog's JSON. @throws UserError that lists every fault and where it stands */
export function parseCatalog(files: unknown): CatalogSeed {
  const result = Catalog.safeParse(files);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => `  ${path.join(".")}: ${message}`);
  throw new UserError(`The catalog's JSON has ${faults.length} faults:\n${faults.join("\n")}`);
}

/** Reads and validates the JSON beside this file. */
export async function readCatalog(): Promise<CatalogSeed> {
  const entries = ["spirits", "tools", "bundles", "plans", "classes", "templates"].map(async (name) => {
    const text = await readFile(join(import.meta.dirname, `${name}.json`), "utf8");
    return [name, JSON.parse(text)] as const;
  });
  return parseCatalog(Object.fromEntries(await Promise.all(entries)));
}

/** Faults that no single entry shows: unknown names, contradictions between entries, bundles that save nothing. */
function* contradictions(catalog: CatalogSeed): Generator<Contradiction> {
  const spirits = new Map(catalog.spirits.map((spirit) => [spirit.name, spirit]));
  const tools = new Map(catalog.tools.map((tool) => [tool.name, tool]));

  yield* repeated(catalog.spirits, "spirits", ["id", "slug", "name"]);
  yield* repeated(catalog.tools, "tools", ["id", "name"]);
  yield* repeated(catalog.bundles, "bundles", ["id", "name"]);
  yield* repeated(catalog.plans, "plans", ["id", "name"]);
  yield* repeated(catalog.classes, "classes", ["id", "class_name"]);
  yield* repeated(catalog.templates, "templates", ["id", "name"]);

  for (const [list, key, lists] of [
    ["bundles", "spirits", catalog.bundles.map((bundle) => bundle.spirits)],
    ["plans", "included_spirits", catalog.plans.map((plan) => plan.included_spirits)],
    ["classes", "base_spirits", catalog.classes.map((item) => item.base_spirits)],
    ["templates", "spirits", catalog.templates.map((template) => template.spirits)],
    ["tools", "spirits", catalog.tools.map((tool) => tool.spirits)],
  ] as const) {
    for (const [index, members] of lists.entries()) {
      for (const name of members) {
        if (!spirits.has(name)) yield { path: [list, index, key], message: `there is no spirit "${name}"` };
      }
    }
  }

  for (const [index, spirit] of catalog.spirits.entries()) {
    for (const name of spirit.tools) {
      if (!tools.get(name)?.spirits.includes(spirit.name)) {
        yield { path: ["spirits", index, "tools"], message: `there is no tool "${name}" that names ${spirit.name}` };
      }
    }
    for (const key of ["synergies", "conflicts"] as const) {
      for (const [partner, percent] of Object.entries(spirit[key])) {
        if (partner === spirit.name || spirits.get(partner)?.[key][spirit.name] !== percent) {
          yield { path: ["spirits", index, key, partner], message: `is not ${percent} the other way round` };
        }
      }
    }
  }

  for (const [index, tool] of catalog.tools.entries()) {
    for (const name of tool.spirits) {
      if (spirits.has(name) && !spirits.get(name)!.tools.includes(tool.name)) {
        yield { path: ["tools", index, "spirits"], message: `${name} does not bring ${tool.name}` };
      }
    }
  }

  for (const [index, bundle] of catalog.bundles.entries()) {
    const parts = bundle.spirits.flatMap((name) => spirits.get(name) ?? []);
    for (const price of ["price_cents", "price_points"] as const) {
      const sum = parts.reduce((total, part) => total + part[price], 0);
      if (bundle[price] >= sum) yield { path: ["bundles", index, price], message: `saves nothing: its parts cost ${sum}` };
    }
  }
}

function* repeated<T>(things: readonly T[], list: string, keys: readonly (keyof T & string)[]): Generator<Contradiction> {
  for (const key of keys) {
    const seen = new Set<unknown>();
    for (const [index, thing] of things.entries()) {
      if (seen.has(thing[key])) yield { path: [list, index, key], message: `${String(thing[key])} is taken` };
      seen.add(thing[key]);
    }
  }
}
