import * as z from "zod";
import { Id, IdParamValue, NextCursor, ok, PageQuery, Timestamp, TotalCount } from "../kit/http/zod-schemas.ts";
import { visibleText } from "../kit/names.ts";
import { factSources, maxFactLength, maxFacts } from "./constants.ts";

// ── Requests ─────────────────────────────────────────────────────────────────

/** A fact is what its reader sees: hidden characters could hold instructions that nobody approved. */
export const FactText = z.string().overwrite(visibleText).min(1).max(maxFactLength);

/** A message ID, which is below 2^53. */
const MessageId = z.int().min(1);

export const NewFact = z.object({
  text: FactText.meta({
    description: "Line breaks become spaces, and invisible characters are removed",
    example: "My daughter is called Mia.",
  }),
  message_id: MessageId.optional().meta({
    description: "The message that the fact comes from, in a conversation with this minion",
  }),
});
export type NewFact = z.output<typeof NewFact>;

export const FactChange = z.object({ text: FactText });

export const MemoryChange = z.object({ enabled: z.boolean() });

export const FactsQuery = z.object({
  ...PageQuery,
  q: z.string().trim().min(1).max(200).optional().meta({
    description: "Search in the facts. The best match comes first.",
    example: "daughter",
  }),
});
export type FactsQuery = z.output<typeof FactsQuery>;

export const FactParams = z.object({ id: IdParamValue, fact_id: IdParamValue });

// ── Replies ──────────────────────────────────────────────────────────────────

export const Memory = z
  .object({
    enabled: z.boolean().meta({ description: "Whether conversations use the facts, and whether new facts are stored" }),
    fact_count: z.int().min(0),
    max_facts: z.literal(maxFacts),
    version: z.int().min(1).meta({ description: "Rises when `enabled` is changed" }),
    updated_at: Timestamp.nullable().meta({ description: "When `enabled` was changed last" }),
  })
  .meta({ id: "Memory" });
export type Memory = z.output<typeof Memory>;

export const Fact = z
  .object({
    id: Id,
    text: z.string(),
    source: z.enum(factSources).meta({ description: "`model`: the model proposed the fact, and you approved it" }),
    message_id: MessageId.nullable().meta({ description: "The message that the fact comes from. It may be deleted." }),
    conversation_id: Id.nullable().meta({ description: "The conversation of that message" }),
    version: z.int().min(1),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: "Fact" });
export type Fact = z.output<typeof Fact>;

export const MemoryReply = z.object({ ...ok, memory: Memory });
export const FactReply = z.object({ ...ok, fact: Fact });
export const FactList = z.object({
  ...ok,
  memory: Memory,
  facts: z.array(Fact),
  total: TotalCount,
  next_cursor: NextCursor,
});
export const FactDone = z.object({ ...ok, message: z.string() });
export const MemoryCleared = z.object({
  ...ok,
  message: z.string(),
  deleted: z.int().min(0).meta({ description: "Number of deleted facts" }),
});
