import * as z from "zod";
import { Id, IdParamValue, Timestamp, NextCursor, ok, PageQuery, TotalCount } from "../kit/http/zod-schemas.ts";
import { Label } from "../kit/names.ts";
import { ModelName } from "../models/schemas.ts";
import { buildStatuses, chunkStrategies, maxDatasets, retrievalMethods, updateStrategies } from "./constants.ts";

// ── requests ──────────────────────────────────────────────────────

const Name = Label(80).min(1);
const Description = z.string().trim().max(2_000);

export const BasesQuery = z.object(PageQuery);

export const NewBase = z.object({
  name: Name.meta({ description: "Unique among your knowledge bases, ignoring case", example: "Handbook" }),
  description: Description.optional(),
  embedding_model: ModelName.optional().meta({
    description:
      "`provider/model`, or the ID of one of your embedding models. It cannot be changed later. Default: the Workers AI model if Workers AI is bound, otherwise the built-in model.",
    example: "builtin/hashing-384",
  }),
});
export type NewBase = z.output<typeof NewBase>;

export const BaseChange = z
  .object({ name: Name, description: Description })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "must contain at least one field to change");
export type BaseChange = z.output<typeof BaseChange>;

export const DatasetParams = z.object({ id: IdParamValue, dataset_id: IdParamValue });

export const IndexBody = z
  .object({
    dataset_ids: z
      .array(Id)
      .min(1)
      .max(maxDatasets)
      .refine((ids) => new Set(ids).size === ids.length, "must not contain a dataset twice"),
    update_strategy: z.enum(updateStrategies).default("append").meta({
      description:
        "`append` adds the datasets that are missing. `replace` and `smart_replace` keep these datasets only; `smart_replace` reuses the vectors of unchanged texts.",
    }),
    strategy: z.enum(chunkStrategies).default("auto").meta({ description: "How texts are split into chunks" }),
    chunk_size: z.int().min(100).max(2_000).default(1_000).meta({ description: "Maximum length of a chunk, in characters" }),
    chunk_overlap: z
      .int()
      .min(0)
      .max(200)
      .default(100)
      .meta({ description: "Maximum number of characters shared by neighboring chunks" }),
  })
  .refine(({ chunk_size, chunk_overlap }) => 2 * chunk_overlap <= chunk_size, {
    path: ["chunk_overlap"],
    message: "must be at most half of `chunk_size`",
  });
export type IndexBody = z.output<typeof IndexBody>;

const FieldValue = z.union([z.string().max(200), z.number(), z.boolean()]);

const FilterBody = z
  .object({
    dataset_ids: z.array(Id).min(1).max(maxDatasets),
    sources: z.array(z.string().min(1).max(500)).min(1).max(100),
    kinds: z.array(z.string().min(1).max(40)).min(1).max(10),
    fields: z.record(z.string().min(1).max(100), FieldValue),
  })
  .partial()
  .meta({ description: "A passage must match one value of each list, and all of `fields`" });

const how = {
  top_k: z.int().min(1).max(20).default(4),
  method: z.enum(retrievalMethods).default("hybrid"),
  filter: FilterBody.optional(),
};

const LanguageModel = ModelName.meta({ description: "`provider/model`, or the ID of one of your language models" });

export const QueryBody = z
  .object({
    query: z.string().trim().min(1).max(4_000),
    ...how,
    threshold: z.number().min(0).max(1).default(0).meta({ description: "Minimum similarity (for `keyword`: minimum score)" }),
    model: LanguageModel.optional(),
    expand: z.boolean().default(false).meta({ description: "Expand the query with `model`" }),
    rerank: z.boolean().default(false).meta({ description: "Rerank the passages with `model`" }),
  })
  .refine(({ model, expand, rerank }) => model !== undefined || !(expand || rerank), {
    path: ["model"],
    message: "is required for `expand` and `rerank`",
  });
export type QueryBody = z.output<typeof QueryBody>;

const Relevant = z
  .object({
    source: z.string().min(1).max(500).optional(),
    text: z.string().min(1).max(2_000).optional().meta({ description: "A text that the passage contains, verbatim" }),
    chunk_id: z.int().min(1).optional(),
  })
  .refine(
    (fields) => Object.values(fields).some((value) => value !== undefined),
    "must contain `source`, `text` or `chunk_id`",
  );
export type Relevant = z.output<typeof Relevant>;

export const EvaluateBody = z
  .object({
    questions: z
      .array(z.object({ question: z.string().trim().min(1).max(4_000), relevant: z.array(Relevant).min(1).max(20) }))
      .min(1)
      .max(100)
      .optional(),
    model: LanguageModel.optional(),
    count: z.int().min(1).max(20).default(10).meta({ description: "Number of questions that `model` generates" }),
    method: z.enum(retrievalMethods).default("hybrid"),
  })
  .refine(({ questions, model }) => (questions === undefined) !== (model === undefined), {
    path: ["questions"],
    message: "is required unless `model` is given; send exactly one of the two",
  });
export type EvaluateBody = z.output<typeof EvaluateBody>;

// ── replies ───────────────────────────────────────────────────────

const count = z.int().min(0);

export const Build = z
  .object({
    id: Id,
    status: z.enum(buildStatuses),
    update_strategy: z.enum(updateStrategies),
    error: z.string().nullable(),
    datasets_done: count,
    datasets_total: count,
    chunk_count: count.meta({ description: "Number of chunks so far" }),
    reused_count: count.meta({ description: "Number of these chunks whose vectors were reused" }),
    is_active: z.boolean(),
    created_at: Timestamp,
    finished_at: Timestamp.nullable(),
  })
  .meta({ id: "KnowledgeBuild" });
export type Build = z.output<typeof Build>;

export const Base = z
  .object({
    id: Id,
    name: z.string(),
    description: z.string(),
    embedding_model: z.string(),
    dimensions: z.int().nullable().meta({ description: "Null until the first embedding" }),
    chunk_count: count,
    datasets: z.array(
      z.object({
        dataset_id: Id,
        name: z.string(),
        chunk_count: count,
        strategy: z.enum(chunkStrategies),
        chunk_size: z.int(),
        chunk_overlap: z.int(),
      }),
    ),
    build: Build.nullable().meta({ description: "The newest build, whatever its status" }),
    can_roll_back: z.boolean(),
    version: z.int(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: "KnowledgeBase" });
export type Base = z.output<typeof Base>;

export const BaseList = z.object({ ...ok, knowledge_bases: z.array(Base), total: TotalCount, next_cursor: NextCursor });
export const BaseReply = z.object({ ...ok, knowledge_base: Base });
export const BaseDone = z.object({ ...ok, message: z.string() });

export const PassageList = z.object({
  ...ok,
  passages: z.array(
    z.object({
      text: z.string(),
      score: z.number().meta({
        description:
          "At most 1. `semantic`: cosine similarity; `keyword`: the share of the best possible BM25 score; `hybrid`: fusion of both ranks.",
      }),
      chunk_id: z.int().min(1),
      dataset_id: Id,
      heading: z.string().nullable(),
      table_header: z.string().nullable().meta({ description: "Header row of the table that the passage starts inside" }),
      source: z.string(),
      start: count.meta({ description: "Offset of the passage in the text of its source, in UTF-16 units" }),
      end: count,
    }),
  ),
  total: TotalCount,
  warnings: z.array(z.string()).optional(),
});

const Part = z.number().min(0).max(1);
export const EvaluationReply = z.object({
  ...ok,
  metrics: z
    .object({
      recall_at_1: Part,
      recall_at_5: Part,
      recall_at_10: Part,
      mrr_at_10: Part,
      ndcg_at_10: Part,
      latency_ms_p50: z.number().meta({ description: "Latency of the search in Postgres" }),
      latency_ms_p95: z.number(),
    })
    .meta({ id: "RetrievalMetrics" }),
  questions: z.array(
    z.object({
      question: z.string(),
      recall_at_10: Part,
      reciprocal_rank: Part,
      found: z.array(z.string()).meta({ description: "Sources, best first" }),
    }),
  ),
  total: TotalCount,
  generated_by: z.string().nullable().meta({
    description:
      "The model that generated the questions, each from one passage; only that passage counts as relevant. Null: the questions were yours.",
  }),
});
