import * as z from "zod";
import { ranks, tiers } from "../catalog/constants.ts";
import { Synergy } from "../catalog/schemas.ts";
import { Id, Timestamp, NextCursor, IntegerParam, ok, TotalCount } from "../kit/http/zod-schemas.ts";
import { Label } from "../kit/names.ts";
import { ModelName, ModelSummaryShape } from "../models/schemas.ts";
import {
  missingReasons,
  maxFallbacks,
  retrievalMethods,
  spiritFaults,
  visibilities,
  masteries,
  maxIntensity,
  traits,
} from "./constants.ts";

// ── what requests carry ──────────────────────────────────────────────────────

const Name = Label(80).min(1);
const Text = (max: number) => z.string().trim().max(max);

const Fallbacks = z
  .array(ModelName)
  .max(maxFallbacks)
  .refine((models) => new Set(models).size === models.length, "must not contain duplicates")
  .meta({ description: "Models to try, in this order, if the minion's model fails", example: ["builtin/extractive"] });

/** The settings that an owner can change. */
const settings = {
  fallback_models: Fallbacks,
  description: Text(2_000),
  personality: Text(2_000),
  system_prompt: Text(8_000),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .nullable()
    .meta({ description: "Null: the model's default. The same holds for `top_p` and `max_tokens`." }),
  top_p: z.number().min(0).max(1).nullable(),
  max_tokens: z.int().min(1).max(1_000_000).nullable(),
  rag_enabled: z.boolean(),
  knowledge_base_id: Id.nullable(),
  top_k: z.int().min(1).max(20),
  similarity_threshold: z.number().min(0).max(1),
  retrieval_method: z.enum(retrievalMethods),
  citations_enabled: z.boolean(),
  visibility: z.enum(visibilities).meta({
    description: "Public minions are on the leaderboard, which shows their name, avatar, class, experience and score",
  }),
};

export const NewMinion = z.object({
  name: Name.meta({ example: "ada" }),
  display_name: Name.meta({ description: "Unique among your minions, case-insensitive", example: "Ada" }),
  model: ModelName.optional().meta({ description: "Default: a model that runs on this server", example: "builtin/extractive" }),
  ...z.object(settings).partial().shape,
  template_id: Id.optional().meta({
    description: "Template whose spirits are equipped, as far as you own them and have slots",
  }),
  class_name: Name.optional().meta({ description: "Class whose spirits are all equipped; the request fails if one cannot be" }),
});
export type NewMinion = z.output<typeof NewMinion>;

export const MinionChange = z
  .object({ name: Name, display_name: Name, model: ModelName, ...settings })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "must contain at least one field to change");
export type MinionChange = z.output<typeof MinionChange>;

export const sortings = ["newest", "name", "experience", "updated"] as const;
export type Sorting = (typeof sortings)[number];

const Flag = z.stringbool({ truthy: ["true"], falsy: ["false"] });

export const MinionsQuery = z.object({
  q: z.string().trim().min(1).max(100).optional().meta({ description: "Text to find in the name or the description" }),
  model: ModelName.optional(),
  class_name: Name.optional(),
  favorite: Flag.optional(),
  visibility: z.enum(visibilities).optional(),
  deleted: Flag.default(false).meta({ description: "List the minions in the trash instead" }),
  sort: z.enum(sortings).default("newest"),
  limit: IntegerParam.pipe(z.int().min(1).max(100)).default(20),
  cursor: z
    .string()
    .max(400)
    .optional()
    .meta({ description: "`next_cursor` of the previous page, with the same filters and sorting" }),
});
export type MinionsQuery = z.output<typeof MinionsQuery>;

export const SpiritBody = z.object({ spirit_id: Id.meta({ example: 1 }) });
export const LoadoutBody = z.object({
  spirit_ids: z
    .array(Id)
    .max(5)
    .refine((ids) => new Set(ids).size === ids.length, "must not contain duplicates")
    .meta({ description: "All spirits of the loadout, in order", example: [1, 4] }),
});
export const MinionSpiritParam = z.object({ id: IntegerParam.pipe(Id), spirit_id: IntegerParam.pipe(Id) });
export const WithQuery = z.object({
  with: z
    .string()
    .transform((list) => list.split(",").filter(Boolean))
    .pipe(z.array(IntegerParam.pipe(Id)).max(18))
    .optional()
    .meta({ description: "IDs of additional spirits to include, separated by commas", example: "5,6" }),
});
export const ClassBody = z.object({ class_name: Name.meta({ example: "Swiss Army Knife" }) });
export const TraitsBody = z.object({
  traits: z
    .record(z.string(), z.int().min(0).max(maxIntensity))
    .meta({ description: `Intensity, 0–${maxIntensity}, by trait: ${traits.join(", ")}`, example: {} }),
});
export const AdminXpBody = z.object({
  amount: z.int().min(1).max(200_000),
  reason: z.string().trim().min(1).max(500).meta({ description: "Stored in the audit log and in the minion's history" }),
});
export const LeaderboardQuery = z.object({
  limit: IntegerParam.pipe(z.int().min(1).max(100)).default(20),
  cursor: z
    .string()
    .regex(/^\d{1,12}\.\d{1,5}$/, "must be a `next_cursor` of the leaderboard")
    .optional()
    .meta({ description: "`next_cursor` of the previous page" }),
});

// ── what replies carry ───────────────────────────────────────────────────────

export const standing = {
  experience: z.int().min(0),
  level: z.int().min(1).max(35),
  rank: z.enum(ranks),
  rank_level: z.int().min(1).max(5),
  xp_to_next_level: z.int().min(0).meta({ description: "0 at level 35" }),
  xp_progress_percentage: z.number().min(0).max(100),
};

const ScoreBreakdown = z.object({
  xp_score: z.int(),
  rank_score: z.int(),
  param_score: z.int(),
  context_score: z.int(),
  cap_score: z.int(),
  arch_score: z.int(),
  total: z.int().max(115),
});

export const scoreFields = { score: z.int(), score_breakdown: ScoreBreakdown };

export const MinionSpiritShape = z
  .object({
    spirit_id: Id,
    slug: z.string(),
    name: z.string(),
    icon: z.string(),
    category: z.string(),
    tier: z.enum(tiers),
    position: z.int().min(1).max(5),
    spirit_level: z.int().min(1).max(10),
    spirit_xp: z.int().min(0),
    xp_to_next_level: z.int().min(0),
    effectiveness_percent: z.int(),
    is_active: z.boolean(),
    inactive_because: z.enum(spiritFaults).nullable(),
    tools: z.array(z.string()).meta({ description: "Tools that the spirit provides at its level" }),
    equipped_at: Timestamp,
  })
  .meta({ id: "MinionSpirit" });
export type MinionSpirit = z.output<typeof MinionSpiritShape>;

const ClassShape = z.object({
  id: Id,
  class_name: z.string(),
  icon: z.string(),
  category: z.string(),
  specialization: z.string(),
});

export const MinionShape = z
  .object({
    id: Id,
    user_id: Id,
    name: z.string(),
    display_name: z.string(),
    model: z.string(),
    external_model_id: Id.nullable().meta({ description: "ID of your model that the minion uses" }),
    provider: z.string().nullable(),
    provider_display_name: z.string().nullable(),
    model_summary: ModelSummaryShape.nullable().meta({ description: "Null if the model no longer exists" }),
    ...settings,
    fallback_models: z.array(z.string()),
    class: ClassShape.nullable(),
    traits: z.record(z.string(), z.int()),
    trait_slots: z.int().min(0).max(5),
    trait_points: z.int(),
    trait_compatibility: z.number(),
    trait_compatibility_percentage: z.number(),
    ...standing,
    total_training_xp: z.int().min(0),
    total_usage_xp: z.int().min(0),
    ...scoreFields,
    spirits: z.array(MinionSpiritShape),
    spirit_slots: z.int().min(1).max(5),
    synergy: Synergy,
    is_favorite: z.boolean(),
    avatar_url: z.string().nullable(),
    version: z.int().min(1).meta({ description: "Send it as `If-Match` when you update the minion" }),
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Timestamp.nullable(),
  })
  .meta({ id: "Minion" });
export type Minion = z.output<typeof MinionShape>;

export const MinionReply = z.object({ ...ok, minion: MinionShape });

const SkippedSpirit = z.object({ spirit: z.string(), code: z.enum(spiritFaults) });
export const MinionCreated = MinionReply.extend({
  skipped: z.array(SkippedSpirit).optional().meta({ description: "Spirits of the template that were not equipped, and why" }),
});
export const MinionList = z.object({ ...ok, minions: z.array(MinionShape), total: TotalCount, next_cursor: NextCursor });
export const FavoriteReply = z.object({ ...ok, message: z.string(), is_favorite: z.boolean() });
export const MinionDone = z.object({ ...ok, message: z.string() });
export const AvatarReply = z.object({ ...ok, message: z.string(), avatar_url: z.string() });
export const MinionTokenReply = z.object({
  ...ok,
  token: z
    .string()
    .nullable()
    .meta({ description: "Shown once: null if the request is repeated with the same Idempotency-Key" }),
});

// The previous server's clients.

export const UserParams = z.object({ user_id: IntegerParam.pipe(Id) });
export const UserMinionParams = z.object({ user_id: IntegerParam.pipe(Id), id: IntegerParam.pipe(Id) });
export const NewUserMinion = z.object({
  ...NewMinion.shape,
  display_name: Name.optional().meta({ description: "Default: `name`" }),
});
export const TraitIntensities = z.object({ traits_intensities: TraitsBody.shape.traits });
export const UserMinionList = MinionList.extend({ user_id: Id });
export const UserMinionReply = MinionReply.extend({ message: z.string(), minion_id: Id });
export const UserMinionChanged = UserMinionReply.extend({
  updated_fields: z.array(z.string()),
  score_updated: z.boolean().meta({ description: "Always true: the score is computed when a minion is read" }),
});
export const UserMinionHealth = MinionDone.extend({ total_minions: z.int().min(0), status: z.literal("operational") });
export const UserTokenReply = MinionDone.extend({
  new_token: z.string(),
});
export const ClassStatistics = z.object({
  ...ok,
  statistics: z.object({
    total_classes: z.int().min(0),
    categories: z.array(z.object({ category: z.string(), count: z.int().min(0) })),
    unlock_ranks: z.array(z.object({ rank: z.enum(ranks), count: z.int().min(0) })),
    minions_with_classes: z.int().min(0).meta({ description: "Your minions that have a class; 0 for an anonymous caller" }),
  }),
});

export const LoadoutReply = z.object({
  ...ok,
  spirits: z.array(MinionSpiritShape),
  data: z.array(MinionSpiritShape).meta({ description: "Same as `spirits`, for older clients" }),
  minion_id: Id,
  total: TotalCount,
});
export const AvailableSpirits = z.object({
  ...ok,
  spirits: z.array(
    z.object({
      spirit_id: Id,
      name: z.string(),
      icon: z.string(),
      category: z.string(),
      tier: z.enum(tiers),
      is_unlocked: z.boolean(),
      is_owned: z.boolean(),
      is_equipped: z.boolean(),
      has_free_slot: z.boolean(),
      missing: z
        .enum(spiritFaults)
        .nullable()
        .meta({ description: "The first reason why the spirit cannot be equipped; null if it can be" }),
    }),
  ),
  total: TotalCount,
});
export const MinionSynergy = z.object({
  ...ok,
  synergy: Synergy,
  data: Synergy,
  minion_id: Id,
  spirits: z.array(z.string()),
});
export const MinionClassReply = z.object({
  ...ok,
  class: ClassShape.nullable(),
  missing: z
    .array(z.object({ spirit: z.string(), code: z.enum(missingReasons) }))
    .meta({ description: "Base spirits of the class that are not active on this minion, and why" }),
});
export const TraitsReply = z.object({
  ...ok,
  traits: z.record(z.string(), z.int()),
  trait_slots: z.int(),
  trait_points: z.int(),
  trait_compatibility: z.number(),
  trait_compatibility_percentage: z.number(),
});
export const MinionTools = z.object({
  ...ok,
  tools: z.array(
    z.object({
      name: z.string(),
      category: z.string(),
      kind: z.string(),
      description: z.string(),
      spirit_id: Id,
      spirit: z.string(),
      spirit_level: z.int(),
      effectiveness_percent: z.int(),
      uses: z.int().min(0),
      mastery: z.enum(masteries),
    }),
  ),
  total: TotalCount,
});
export const UserTraitsChanged = TraitsReply.extend({ message: z.string(), minion_id: Id, score_updated: z.boolean() });
