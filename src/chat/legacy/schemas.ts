import * as z from "zod";
import { Id, ok } from "../../kit/http/zod-schemas.ts";
import { NewMinion } from "../../minions/schemas.ts";
import { Citation, Usage } from "../../agent/protocol.ts";
import { SendFrame } from "../protocol.ts";

const { system_prompt, temperature, top_p, max_tokens } = NewMinion.shape;

/** Older clients say null of what they leave out. */
export const ExternalChat = z.object({
  model_id: Id.meta({ description: "A minion of yours" }),
  message: SendFrame.shape.text,
  system_prompt: system_prompt
    .nullable()
    .meta({ description: "In place of the minion's, for this turn; so are those that follow" }),
  temperature,
  max_tokens,
  top_p,
  use_rag: z.boolean().nullish(),
  use_spirits: z.boolean().nullish(),
  conversation_id: Id.nullish().meta({
    description: "One of yours with this minion; if left out, the one that is kept for programs that name none",
  }),
});
export type ExternalChat = z.output<typeof ExternalChat>;

export const ExternalChatReply = z
  .object({
    ...ok,
    response: z.string(),
    usage: Usage,
    error: z.string().nullable().meta({ description: "Why the answer is not whole: it was stopped from elsewhere" }),
    minion_name: z.string(),
    provider: z.string().nullable().meta({ description: "Of the model that answered" }),
    rag_used: z.boolean().meta({ description: "Whether it rests on passages of the knowledge base" }),
    spirits_enabled: z.boolean(),
    spirits_used: z.array(z.string()).meta({ description: "Those that were at work" }),
    tools_used: z.array(z.string()).meta({ description: "Those that were called with success" }),
    processing_time: z.number().min(0).meta({ description: "In seconds" }),
    conversation_id: Id,
    citations: z.array(Citation),
    used_config: z
      .object({
        model: z.string().nullable().meta({ description: "`provider/model` of the one that answered" }),
        system_prompt: z.string(),
        temperature: z.number().nullable(),
        max_tokens: z.int().nullable(),
        top_p: z.number().nullable(),
        use_rag: z.boolean(),
        use_spirits: z.boolean(),
      })
      .meta({ description: "With what it was answered; null leaves it to the model" }),
  })
  .meta({ id: "ExternalChatReply" });
export type ExternalChatReply = z.output<typeof ExternalChatReply>;
