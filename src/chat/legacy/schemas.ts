import * as z from "zod";
import { Id, ok } from "../../kit/http/zod-schemas.ts";
import { NewMinion } from "../../minions/schemas.ts";
import { Citation, Usage } from "../../agent/protocol.ts";
import { SendFrame } from "../protocol.ts";

const { system_prompt, temperature, top_p, max_tokens } = NewMinion.shape;

/** Older clients send null for absent fields. */
export const ExternalChat = z.object({
  model_id: Id.meta({ description: "ID of one of your minions" }),
  message: SendFrame.shape.text,
  system_prompt: system_prompt.nullable().meta({
    description: "Replaces the minion's system prompt for this turn. The next five fields also replace settings for this turn.",
  }),
  temperature,
  max_tokens,
  top_p,
  use_rag: z.boolean().nullish(),
  use_spirits: z.boolean().nullish(),
  use_memory: z.boolean().nullish().meta({ description: "Whether the minion uses the facts of its memory. Default: false." }),
  conversation_id: Id.nullish().meta({
    description: "ID of one of your conversations with this minion. Default: its direct conversation.",
  }),
});
export type ExternalChat = z.output<typeof ExternalChat>;

/** The same body, for a path that names the minion. */
export const MinionChat = ExternalChat.omit({ model_id: true });

export const ExternalChatReply = z
  .object({
    ...ok,
    response: z.string(),
    usage: Usage,
    error: z
      .string()
      .nullable()
      .meta({ description: "Set if the answer was stopped by another client, or was cut at the limit of its tokens" }),
    minion_name: z.string(),
    provider: z.string().nullable().meta({ description: "Provider of the model that answered" }),
    rag_used: z.boolean().meta({ description: "Whether the answer cites passages of the knowledge base" }),
    spirits_enabled: z.boolean(),
    spirits_used: z.array(z.string()).meta({ description: "Names of the active spirits" }),
    tools_used: z.array(z.string()).meta({ description: "Names of the tools that ran successfully" }),
    processing_time: z.number().min(0).meta({ description: "Duration in seconds" }),
    conversation_id: Id,
    citations: z.array(Citation),
    used_config: z
      .object({
        model: z.string().nullable().meta({ description: "The model that answered, as `provider/model`" }),
        system_prompt: z.string(),
        temperature: z.number().nullable(),
        max_tokens: z.int().nullable(),
        top_p: z.number().nullable(),
        use_rag: z.boolean(),
        use_spirits: z.boolean(),
        use_memory: z.boolean(),
      })
      .meta({ description: "The settings used for this answer; null means the model's default" }),
  })
  .meta({ id: "ExternalChatReply" });
export type ExternalChatReply = z.output<typeof ExternalChatReply>;
