import { catalogOf } from "../../catalog/service.ts";
import type { Catalog } from "../../catalog/snapshot.ts";
import type { Ctx } from "../../context.ts";
import { AppError } from "../../kit/errors.ts";
import { providerErrors } from "../../models/errors.ts";
import type { MinionRow } from "../../minions/queries.ts";
import { spiritsOf } from "../../minions/spirits/views.ts";
import type { ExternalChat, ExternalChatReply } from "./schemas.ts";
import type { Message, MessageUsage } from "../../agent/types.ts";
import { isTurnFailureCode, turnErrors } from "../../agent/errors.ts";
import { answerTimeoutMs, callerOf, callRoom } from "../room/client.ts";
import type { Overrides } from "../../agent/settings.ts";
import { getConversationWithMinion, getOrCreateDirectConversation } from "../conversations/service.ts";

type TurnOptions = Omit<ExternalChat, "model_id" | "message" | "conversation_id">;

/**
 * Runs one turn with a minion and returns the whole answer, as the previous server did. One Postgres round trip.
 * @throws not_found; conflict while another turn runs; the error of a failed turn; realtime_unavailable
 */
export async function sendAndWait(
  ctx: Ctx,
  userId: number,
  { model_id, message, conversation_id, ...options }: ExternalChat,
): Promise<ExternalChatReply> {
  const startedAt = performance.now();
  const requestedId = conversation_id ?? undefined;
  const [catalog, { conversation, minion }] = await Promise.all([
    catalogOf(ctx),
    requestedId === undefined
      ? getOrCreateDirectConversation(ctx, userId, model_id)
      : getConversationWithMinion(ctx, userId, model_id, requestedId),
  ]);
  const { id } = conversation;
  const memory = options.use_memory ? { memory: "read" as const } : {};
  const overrides = overridesOf(options);
  const turn = { client_id: crypto.randomUUID(), text: message, attachment_ids: [], overrides, ...memory };
  const started = await callRoom(ctx, id, (room) => room.send(callerOf(ctx, userId), turn));
  const answer = await callRoom(ctx, id, (room) => room.answer(callerOf(ctx, userId), started.answer.id), answerTimeoutMs);
  requireAnswer(answer, id);
  return {
    success: true,
    ...replyFields(answer),
    ...contextFields(catalog, minion, options, answer),
    processing_time: (performance.now() - startedAt) / 1_000,
    conversation_id: id,
  };
}

/** The overrides of a turn, without null fields. */
function overridesOf({ use_memory: _memory, ...options }: TurnOptions): Overrides {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null && value !== undefined));
}

/** @throws the error of a failed turn */
function requireAnswer({ status, error }: Message, conversationId: number): void {
  if (status === "complete" || status === "stopped") return;
  const members = { conversation_id: conversationId };
  if (error === null)
    throw new AppError(providerErrors.provider_timed_out, "The answer is not finished yet. Read the conversation later.", {
      extensions: members,
    });
  // An interrupted turn can be repeated.
  const type = isTurnFailureCode(error.code) ? turnErrors[error.code] : "realtime_unavailable";
  throw new AppError(type, error.detail, { extensions: members });
}

const noUsage: MessageUsage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, cost_usd: 0 };

function replyFields({ status, text, usage, citations, tools, finish_reason }: Message) {
  return {
    response: text,
    usage: usage ?? noUsage,
    error:
      status === "stopped"
        ? "The answer was stopped."
        : finish_reason === "length"
          ? "The answer was cut at the limit of its tokens. Send a message to continue it."
          : null,
    rag_used: citations.length > 0,
    tools_used: [...new Set(tools.filter((use) => use.status === "complete").map(({ tool }) => tool))],
    citations,
  };
}

function contextFields(catalog: Catalog, minion: MinionRow, options: TurnOptions, { model }: Message) {
  const use_spirits = options.use_spirits ?? true;
  const activeSpirits = use_spirits ? spiritsOf(catalog, minion).filter(({ is_active }) => is_active) : [];
  return {
    minion_name: minion.display_name,
    provider: model === null ? null : model.slice(0, model.indexOf("/")),
    spirits_enabled: use_spirits,
    spirits_used: activeSpirits.map(({ name }) => name),
    used_config: {
      model,
      system_prompt: options.system_prompt ?? minion.system_prompt,
      temperature: options.temperature ?? minion.temperature,
      max_tokens: options.max_tokens ?? minion.max_tokens,
      top_p: options.top_p ?? minion.top_p,
      use_rag: options.use_rag ?? minion.rag_enabled,
      use_spirits,
      use_memory: options.use_memory ?? false,
    },
  };
}
