import * as z from "zod";
import { Id, IntegerParam, Timestamp, NextCursor, ok, PageQuery, TotalCount } from "../kit/http/zod-schemas.ts";
import { Label } from "../kit/names.ts";
import { Quirks, QuirksChange } from "./quirk-schemas.ts";
import { providerNames, publicModelListProviders } from "./providers/registry.ts";

// ── requests ──────────────────────────────────────────────────────

const Name = Label(120).min(1);
const Text = (max: number) => z.string().trim().max(max);
const Count = z.int().min(1).max(2_147_483_647);

const ModelId = z.string().trim().min(1).max(200);

/** Forms send an empty string for an empty field. */
const ApiKey = z
  .string()
  .trim()
  .regex(/^[!-~]{0,1000}$/, "must be at most 1,000 printable ASCII characters, without spaces")
  .transform((key) => (key === "" ? undefined : key))
  .meta({ description: "Stored encrypted; only its last four characters are shown again. Empty string: no key." });

const BaseUrl = z
  .string()
  .trim()
  .max(2_048)
  .nullable()
  .transform((url) => (url === "" ? null : url))
  .meta({ description: "An https URL on the public internet. Null: the provider's default URL." });

const Labels = z.array(z.string().trim().min(1).max(50)).max(32);

const settings = {
  description: Text(2_000),
  base_url: BaseUrl,
  parameters: z
    .union([Text(200), z.record(z.string(), z.unknown())])
    .nullable()
    .meta({ description: "The model size as a string, like `70B`, or a custom object" }),
  context_length: Count.nullable().meta({ description: "In tokens" }),
  max_tokens: Count.nullable(),
  quantization: Text(100).nullable(),
  architecture: Text(100).nullable(),
  license: Text(200).nullable(),
  embedding_length: Count.nullable(),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .nullable()
    .meta({ description: "Null: the provider's default. The same applies to `top_p`." }),
  top_p: z.number().min(0).max(1).nullable(),
  system_prompt: Text(8_000),
  capabilities: Labels,
  tags: Labels,
  is_active: z.boolean(),
  is_favorite: z.boolean(),
  quirks: QuirksChange,
};

export const NewModel = z.object({
  name: Name.meta({ example: "my-model" }),
  provider: z.enum(providerNames),
  model_id: ModelId.meta({ description: "The provider's ID of the model", example: "meta/llama-3.3-70b" }),
  display_name: Name.optional().meta({ description: "Unique among your models, ignoring case. Default: `name`." }),
  api_key: ApiKey.optional(),
  ...z.object(settings).partial().shape,
});
export type NewModel = z.output<typeof NewModel>;

export const ModelChange = z
  .object({
    name: Name,
    provider: z.enum(providerNames),
    model_id: ModelId,
    display_name: Name,
    api_key: ApiKey.nullable().meta({ description: "Null deletes the stored key; an empty string keeps it." }),
    ...settings,
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "must contain at least one field to change");
export type ModelChange = z.output<typeof ModelChange>;

export const ModelsQuery = z.object({
  ...PageQuery,
  limit: IntegerParam.pipe(z.int().min(1).max(100)).default(100).meta({ description: "Maximum number of models" }),
});

export const TestBody = z.object({
  model_id: z
    .union([Id, ModelId])
    .meta({ description: "The ID of one of your models or, with `provider`, the provider's ID of the model" }),
  provider: z.enum(providerNames).optional(),
  api_key: ApiKey.optional(),
  base_url: BaseUrl.optional(),
});
export type TestBody = z.output<typeof TestBody>;

// ── replies ───────────────────────────────────────────────────────

export const ExternalModel = z
  .object({
    id: Id,
    name: z.string(),
    display_name: z.string(),
    description: z.string(),
    provider: z.enum(providerNames),
    provider_display_name: z.string(),
    model_id: z.string(),
    base_url: z.string().nullable(),
    capabilities: z.array(z.string()),
    parameters: z.union([z.string(), z.record(z.string(), z.unknown())]).nullable(),
    context_length: z.int().nullable(),
    max_tokens: z.int().nullable(),
    quantization: z.string().nullable(),
    architecture: z.string().nullable(),
    license: z.string().nullable(),
    embedding_length: z.int().nullable(),
    temperature: z.number().nullable(),
    top_p: z.number().nullable(),
    system_prompt: z.string(),
    experience: z
      .int()
      .min(0)
      .meta({ description: "The total of your minions that use this model. The next six fields follow from it." }),
    level: z.int(),
    rank: z.string(),
    rank_level: z.int(),
    total_training_xp: z.int().min(0),
    total_usage_xp: z.int().min(0),
    xp_to_next_level: z.int().min(0),
    is_active: z.boolean(),
    is_favorite: z.boolean(),
    tags: z.array(z.string()),
    avatar_url: z.string().nullable(),
    type: z.literal("external_api"),
    quirks: Quirks,
    key_last_four: z.string().nullable().meta({
      description: "The last four characters of the stored key. Null: no key. Empty: the key is too short to show any of it.",
    }),
    key_rejected_at: Timestamp.nullable().meta({ description: "When the provider rejected the key" }),
    version: z.int().min(1).meta({ description: "Send it as `If-Match` when you edit the model" }),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: "ExternalModel" });
export type ExternalModel = z.output<typeof ExternalModel>;

export const ModelList = z.object({
  ...ok,
  models: z.array(ExternalModel),
  data: z.array(ExternalModel).meta({ description: "Same as `models`, for older clients" }),
  count: z.int().min(0).meta({ description: "Number of models in this reply" }),
  total: TotalCount,
  message: z.string(),
  next_cursor: NextCursor,
});
export const ModelReply = z.object({ ...ok, model: ExternalModel });
export const ModelChanged = z.object({ ...ok, message: z.string(), model: ExternalModel });
export const ModelCreated = ModelChanged.extend({ model_id: Id });
export const ModelDone = z.object({ ...ok, message: z.string() });
export const FavoriteReply = ModelDone.extend({ is_favorite: z.boolean() });
export const AvatarReply = ModelDone.extend({ avatar_url: z.string() });
export const ModelsHealth = ModelDone.extend({ total_models: z.int().min(0), status: z.literal("operational") });
export const SyncReply = ModelDone.extend({
  models_synced: z.int().min(0),
  results: z.record(z.string(), z.boolean()).meta({ description: "Whether each model was found, by display name" }),
});

export const TestReply = z.object({
  success: z.boolean().meta({ description: "Whether the model answered" }),
  message: z.string(),
  response_time: z.number().min(0).meta({ description: "In seconds" }),
  response: z.string().nullable(),
  error: z.string().nullable(),
  quirks: Quirks.meta({ description: "What the test found about the server. It is kept on a stored model." }),
});

export const ProviderList = z.object({
  ...ok,
  providers: z.array(
    z.object({
      name: z.enum(providerNames),
      display_name: z.string(),
      icon: z.string(),
      color: z.string(),
      base_url: z.string().nullable(),
      requires_api_key: z.boolean(),
      supports_streaming: z.boolean(),
      supports_tools: z.boolean(),
      supports_embeddings: z.boolean(),
      supports_fine_tuning: z.boolean(),
      models: z.array(z.string()).readonly().meta({ description: "Examples of models of this provider" }),
      available: z.boolean(),
      reason: z.string().nullable().meta({ description: "Why this provider is not available on this server" }),
    }),
  ),
  total: TotalCount,
});

export const ModelSummaryShape = z.object({
  kind: z.enum(["language", "embedding"]),
  provider: z.string(),
  provider_display_name: z.string(),
  model_id: z.string(),
  display_name: z.string(),
  parameters_billions: z.number().nullable(),
  context_length: z.int().nullable(),
  capabilities: z.array(z.string()).readonly(),
  architecture: z.string().nullable(),
  supports_tools: z.boolean(),
  supports_streaming: z.boolean(),
});

export const ProviderParam = z.object({
  provider: z.enum(publicModelListProviders).meta({ description: "A provider with a public model list" }),
});

export const ModelListReply = z.object({
  ...ok,
  models: z.array(ModelSummaryShape).readonly(),
  total: TotalCount,
  asked_at: z.iso.datetime().meta({
    description: "When the provider returned this list. An older list is returned while the provider is unavailable.",
  }),
});

export const ModelName = z
  .union([z.string().trim().min(1).max(200), Id.transform(String)])
  .meta({ description: "`provider/model`, or the ID of one of your models", example: "builtin/extractive" });

export const groupingNames = ["model", "minion", "day", "provider"] as const;
export type Grouping = (typeof groupingNames)[number];

const Day = z.iso.date({ abort: true }).refine((day) => day >= "2000" && day < "2200", "is out of range");

export const UsageQuery = z.object({
  from: Day.optional().meta({ description: "First day, in UTC. Default: 29 days before `to`.", example: "2026-11-01" }),
  to: Day.optional().meta({ description: "Last day, in UTC. Default: today.", example: "2026-11-30" }),
  group_by: z.enum(groupingNames).default("day"),
});
export type UsageQuery = z.output<typeof UsageQuery>;

const usageSums = {
  calls: z.int().min(0),
  failed_calls: z.int().min(0),
  input_tokens: z.number().min(0).meta({ description: "Includes cached tokens" }),
  output_tokens: z.number().min(0),
  cache_read_tokens: z.number().min(0),
  cache_write_tokens: z.number().min(0),
  cost_usd: z.number().min(0).meta({ description: "At list price. Calls without a known price are not included." }),
  unpriced_calls: z.int().min(0),
};

export const UsageReply = z.object({
  ...ok,
  usage: z.array(
    z.object({
      key: z.string().nullable().meta({
        description: "`provider/model`, a minion ID, a day or a provider, as `group_by` says. Null: calls without a minion.",
      }),
      ...usageSums,
    }),
  ),
  total: TotalCount,
  totals: z.object(usageSums),
  from: z.iso.date(),
  to: z.iso.date(),
  group_by: z.enum(groupingNames),
});

// ── lists of all models ──────────────────────────────────────────────────

export const LocalModel = z
  .object({
    name: z.string(),
    size: z.number().nullable().meta({ description: "In bytes" }),
    modified: z.string().nullable(),
    capabilities: z.array(z.string()),
    architecture: z.string().nullable(),
    parameters: z.string().nullable(),
    context_length: z.int().nullable(),
    quantization: z.string().nullable(),
    temperature: z.number().nullable(),
    top_p: z.number().nullable(),
    system_prompt: z.string().nullable(),
    license: z.string().nullable(),
    avatar_url: z.string().nullable(),
    type: z.literal("ollama"),
    ollama_name: z.string(),
  })
  .meta({ id: "LocalModel" });
export type LocalModel = z.output<typeof LocalModel>;

const AnyModel = z.union([ExternalModel, LocalModel]);

export const ModelNameParam = z.object({
  name: z
    .string()
    .min(1)
    .max(200)
    .meta({ description: "A name or a display name. It may contain slashes and colons.", example: "meta/llama-3:8b" }),
});
export const AllModels = z.object({
  ...ok,
  models: z.array(AnyModel),
  total: TotalCount,
  warnings: z.array(z.string()).optional().meta({ description: "The models that are missing from the list, and why" }),
});
export const AnyModelReply = z.object({ ...ok, model: AnyModel });
export const AllModelsHealth = ModelDone.extend({ service: z.string(), status: z.literal("operational") });

export const PricesQuery = z.object({
  provider: z.enum(providerNames).optional(),
  model_id: z.string().min(1).max(200).optional().meta({ description: "The provider's ID of the model" }),
});

const Dollars = z.number().min(0).meta({ description: "In US dollars per million tokens" });

export const PriceShown = z
  .object({
    provider: z.enum(providerNames),
    model_id: z.string(),
    input_usd: Dollars,
    output_usd: Dollars,
    cache_read_usd: Dollars,
    cache_write_usd: Dollars,
    from: z.string().nullable().meta({ description: "The first day of the price. Null: the price was valid on `as_of`." }),
    as_of: z.string().meta({ description: "The day the source was read" }),
    source: z.string(),
    shutdown_on: z.string().nullable().meta({ description: "Shutdown date of the model, if the provider announced one" }),
  })
  .meta({ id: "ModelPrice" });
export type PriceShown = z.output<typeof PriceShown>;

export const PriceList = z.object({ success: z.literal(true), prices: z.array(PriceShown), total: z.int().min(0) });

const AllowanceLine = z.object({ limit: z.int().min(0), used: z.int().min(0), left: z.int().min(0) });

export const AllowanceReply = z.object({
  ...ok,
  allowance: z.object({
    plan: z.string(),
    turns: AllowanceLine.meta({ description: "Calls to language models" }),
    tokens: AllowanceLine.meta({ description: "Tokens of all calls, including embeddings" }),
    resets_at: Timestamp.meta({ description: "The next 00:00 UTC" }),
  }),
});
