import * as z from "zod";
import { Id, IdParamValue, IntegerParam, ok, TotalCount } from "../kit/http/zod-schemas.ts";
import { billingCycles, levelsPerRank, ranks, tiers, toolKinds } from "./constants.ts";

const Names = z.array(z.string());
const Percent = z.int().min(0).max(100);
const Dollars = z.number().min(0).meta({ description: "US dollars with cents" });

// ── what the catalog holds ───────────────────────────────────────────────────

const Unlock = {
  unlock_rank: z.enum(ranks).meta({ description: "Rank that unlocks it" }),
  unlock_level: z.int().min(1).max(levelsPerRank).meta({ description: "Level within that rank" }),
};

const Synergies = z.array(z.object({ spirits: z.tuple([z.string(), z.string()]), bonus: Percent }));
const Conflicts = z.array(z.object({ spirits: z.tuple([z.string(), z.string()]), penalty: Percent }));

const synergyShape = {
  synergy_bonus: z.int().min(0).meta({ description: "Sum of the bonuses, in percent" }),
  conflict_penalty: z.int().min(0).meta({ description: "Sum of the penalties, in percent" }),
  net_performance: z.int().meta({ description: "Bonus minus penalty" }),
  synergies: Synergies,
  conflicts: Conflicts,
};

export const Synergy = z.object(synergyShape).meta({
  id: "Synergy",
  examples: [
    {
      synergy_bonus: 15,
      conflict_penalty: 5,
      net_performance: 10,
      synergies: [{ spirits: ["Builder Spirit", "Designer Spirit"], bonus: 15 }],
      conflicts: [{ spirits: ["Builder Spirit", "Designer Spirit"], penalty: 5 }],
    },
  ],
});

export const Spirit = z
  .object({
    id: Id,
    slug: z.string(),
    name: z.string(),
    category: z.string(),
    description: z.string(),
    icon: z.string(),
    ...Unlock,
    max_spirit_level: z.int().min(1).max(10),
    tools: Names.meta({ description: "Tools of the spirit in unlock order" }),
    synergies: z.record(z.string(), Percent).meta({ description: "Bonus in percent, by partner spirit" }),
    conflicts: z
      .record(z.string(), z.int().min(-100).max(0))
      .meta({ description: "Penalty in percent (negative), by conflicting spirit" }),
    price_usd: Dollars,
    price_points: z.int().min(0),
    is_premium: z.boolean().meta({ description: "True for the tiers professional and premium" }),
    free_with_subscription: z.boolean().meta({ description: "True if the cheapest paid plan includes it" }),
    tier: z.enum(tiers),
  })
  .meta({
    id: "Spirit",
    examples: [
      {
        id: 3,
        slug: "translator",
        name: "Translator Spirit",
        category: "Content & Creativity",
        description: "Detects, translates and localises text between languages and cultures.",
        icon: "🌍",
        unlock_rank: "Skilled",
        unlock_level: 1,
        max_spirit_level: 10,
        tools: ["language_detector", "translation_engine", "cultural_adapter", "pronunciation_guide"],
        synergies: { "Writer Spirit": 20, "Researcher Spirit": 15, "Communicator Spirit": 25 },
        conflicts: {},
        price_usd: 4.99,
        price_points: 50,
        is_premium: false,
        free_with_subscription: false,
        tier: "basic",
      },
    ],
  });

export const Tool = z
  .object({
    id: Id,
    name: z.string(),
    category: z.string(),
    kind: z
      .enum(toolKinds)
      .meta({ description: "What the tool needs: nothing, a model, platform data, or a connected service" }),
    description: z.string(),
    spirits: Names.meta({ description: "Spirits that provide the tool" }),
  })
  .meta({
    id: "Tool",
    examples: [
      {
        id: 3,
        name: "grammar_checker",
        category: "Content",
        kind: "model",
        description: "Finds grammar, spelling and usage faults, each with its place and a correction.",
        spirits: ["Writer Spirit", "Checker Spirit"],
      },
    ],
  });

export const Bundle = z
  .object({
    id: Id,
    name: z.string(),
    description: z.string(),
    spirits: Names,
    original_price_usd: Dollars,
    bundle_price_usd: Dollars,
    savings_usd: Dollars,
    savings_percentage: Percent,
    points_cost: z.int().min(0),
    category: z.string(),
    icon: z.string(),
    is_popular: z.boolean(),
  })
  .meta({
    id: "Bundle",
    examples: [
      {
        id: 3,
        name: "Data Science Bundle",
        description: "Find data, model it, and check the result.",
        spirits: ["Analyst Spirit", "Researcher Spirit", "Mathematician Spirit", "Checker Spirit"],
        original_price_usd: 11.98,
        bundle_price_usd: 8.49,
        savings_usd: 3.49,
        savings_percentage: 29,
        points_cost: 85,
        category: "Data & Analysis",
        icon: "📊",
        is_popular: false,
      },
    ],
  });

export const Plan = z
  .object({
    id: Id,
    name: z.string(),
    price_usd: Dollars,
    billing_cycle: z.enum(billingCycles),
    free_spirits: Names.meta({ description: "Spirits that the plan includes" }),
    discount_on_purchases: Percent,
    exclusive_spirits: Names.meta({ description: "Spirits of this plan that no cheaper plan includes" }),
    monthly_points: z.int().min(0),
    max_minions: z.int().min(-1).meta({ description: "−1: unlimited" }),
    max_spirits_per_minion: z.int().min(1).max(5),
    features: Names,
  })
  .meta({
    id: "SubscriptionPlan",
    examples: [
      {
        id: 1,
        name: "Free Plan",
        price_usd: 0,
        billing_cycle: "monthly",
        free_spirits: ["Writer Spirit", "Analyst Spirit", "Builder Spirit", "Connector Spirit", "Checker Spirit"],
        discount_on_purchases: 0,
        exclusive_spirits: [],
        monthly_points: 0,
        max_minions: 2,
        max_spirits_per_minion: 3,
        features: ["The five free spirits", "Two minions with three spirits each", "Builtin models and your own keys"],
      },
    ],
  });

export const MinionClass = z
  .object({
    id: Id,
    class_name: z.string(),
    icon: z.string(),
    category: z.string(),
    specialization: z.string(),
    perfect_for: Names,
    base_spirits: Names,
    ...Unlock,
    ...synergyShape,
    tools: Names,
  })
  .meta({
    id: "MinionClass",
    examples: [
      {
        id: 10,
        class_name: "Quality Assurance",
        icon: "✅",
        category: "Quality & Security",
        specialization: "Lets nothing through unexamined.",
        perfect_for: ["testing", "audits", "compliance"],
        base_spirits: ["Checker Spirit", "Security Spirit", "Analyst Spirit"],
        unlock_rank: "Specialist",
        unlock_level: 1,
        synergy_bonus: 60,
        conflict_penalty: 0,
        net_performance: 60,
        synergies: [
          { spirits: ["Analyst Spirit", "Checker Spirit"], bonus: 20 },
          { spirits: ["Analyst Spirit", "Security Spirit"], bonus: 15 },
          { spirits: ["Checker Spirit", "Security Spirit"], bonus: 25 },
        ],
        conflicts: [],
        tools: [
          "grammar_checker",
          "test_runner",
          "consistency_checker",
          "report_generator",
          "vulnerability_scanner",
          "encryption_manager",
          "compliance_checker",
          "audit_logger",
          "chroma_search",
          "sql_connector",
          "data_cleaner",
          "chart_generator",
        ],
      },
    ],
  });

export const MinionTemplate = z
  .object({
    id: Id,
    name: z.string(),
    icon: z.string(),
    category: z.string(),
    description: z.string(),
    spirits: Names,
    ...Unlock,
    ...synergyShape,
    tools: Names,
  })
  .meta({ id: "MinionTemplate" });

// ── what requests carry ──────────────────────────────────────────────────────

const LevelText = IntegerParam.pipe(z.int().min(1).max(35));
const Words = z.string().trim().min(1).max(100);
const Search = {
  category: Words.optional().meta({ description: "Only this category", example: "Data & Analysis" }),
  q: Words.optional().meta({ description: "Text to find in the name or the description" }),
};

export const NameParam = z.object({ name: Words.meta({ description: "Name" }) });
export const SpiritNameParam = z.object({
  name: Words.meta({ description: "Name or slug, case-insensitive", example: "writer" }),
});
export const TierParam = z.object({ tier: z.enum(tiers) });
export const SearchQuery = z.object(Search);
export const SpiritQuery = z.object({ ...Search, tier: z.enum(tiers).optional() });
export const ToolQuery = z.object({ ...Search, kind: z.enum(toolKinds).optional() });
export const BundleQuery = z.object({
  ...Search,
  popular: z
    .stringbool({ truthy: ["true"], falsy: ["false"] })
    .optional()
    .meta({ description: "True: only popular bundles. False: only the others." }),
});

export const StandingQuery = z.object({
  rank: z.enum(ranks).default("Novice"),
  level: LevelText.default(1).meta({ description: "Level within the rank. Values above 5 count as 5.", example: 1 }),
});

export const ClassQuery = z.object({
  ...Search,
  user_rank: z.enum(ranks).optional().meta({ description: "Rank for which `is_unlocked` is computed" }),
  user_level: LevelText.optional().meta({ description: "Level within that rank. Default: 1. Values above 5 count as 5." }),
});

export const UnlockBody = z.object({
  user_rank: z.enum(ranks).default("Novice"),
  user_level: z.int().min(1).max(35).default(1).meta({ description: "Level within the rank. Values above 5 count as 5." }),
});

const SpiritIds = z.array(Id).max(100);
export const SynergyBody = z.object({ spirit_ids: SpiritIds.meta({ example: [7, 16] }) });
export const SynergyQuery = z.object({
  spirit_ids: z
    .string()
    .transform((list) => list.split(",").filter(Boolean))
    .pipe(z.array(IdParamValue).max(100))
    .meta({ description: "IDs separated by commas", example: "7,16" }),
});

// ── what replies carry ───────────────────────────────────────────────────────

export const SpiritList = z.object({ ...ok, data: z.array(Spirit), total: TotalCount });
export const SpiritTierList = SpiritList.extend({ tier: z.enum(tiers) });
export const SpiritAvailableList = SpiritList.extend({ user_rank: z.enum(ranks), user_level: z.int() });
export const SpiritReply = z.object({ ...ok, data: Spirit });
export const SynergyReply = z.object({ ...ok, data: Synergy });
export const BundleList = z.object({ ...ok, data: z.array(Bundle), total: TotalCount });
export const PlanList = z.object({ ...ok, data: z.array(Plan), total: TotalCount });
export const SpiritToolList = z.object({ ...ok, data: z.array(Tool), spirit_id: Id, total: TotalCount });
export const SpiritHealth = z.object({
  ...ok,
  message: z.string(),
  spirits_count: z.int().min(0),
  status: z.literal("operational"),
});

export const ToolList = z.object({ ...ok, tools: z.array(Tool), total: TotalCount });
export const ToolReply = z.object({ ...ok, tool: Tool });
export const ClassList = z.object({
  ...ok,
  classes: z.array(
    MinionClass.extend({ is_unlocked: z.boolean().optional().meta({ description: "Present if `user_rank` is set" }) }),
  ),
  total: TotalCount,
});
export const ClassReply = z.object({ ...ok, class: MinionClass });
export const ClassUnlock = z.object({
  ...ok,
  can_unlock: z.boolean(),
  message: z.string(),
  class_name: z.string(),
  required_rank: z.enum(ranks),
  required_level: z.int(),
  user_rank: z.enum(ranks),
  user_level: z.int(),
});
export const ClassCategoryList = z.object({
  ...ok,
  categories: z.array(z.object({ category: z.string(), total: TotalCount })),
  total: TotalCount,
});
export const ClassSpiritList = z.object({ ...ok, class_name: z.string(), spirits: z.array(Spirit), total: TotalCount });
export const TemplateList = z.object({ ...ok, templates: z.array(MinionTemplate), total: TotalCount });
export const TemplateReply = z.object({ ...ok, template: MinionTemplate });
export const CatalogPublished = z.object({
  ...ok,
  version: z.int().meta({ description: "Version of the catalog in Postgres and KV" }),
  changed: z.boolean().meta({ description: "Whether KV had another version before" }),
});
