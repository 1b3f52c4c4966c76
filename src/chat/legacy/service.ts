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
import { answerTimeoutMs, callRoom } from "../room/client.ts";
import type { Overrides } from "../../agent/settings.ts";
import { getConversationWithMinion, getOrCreateDirectConversation } from "../conversations/service.ts";

type Asked = Omit<ExternalChat, "model_id" | "message" | "conversation_id">;

/**
 * One turn with a minion, as the previous server had it: a message, and the whole answer. One Postgres round trip.
 * @throws not_found; conflict while another turn runs; provider_… and whatever else the turn fails with; realtime_unavailable
 */
export async function sendAndWait(
  ctx: Ctx,
  userId: number,
  { model_id, message, conversation_id, ...asked }: ExternalChat,
): Promise<ExternalChatReply> {
  const startedAt = performance.now();
  const named = conversation_id ?? undefined;
  const [catalog, { conversation, minion }] = await Promise.all([
    catalogOf(ctx),
    named === undefined
      ? getOrCreateDirectConversation(ctx, userId, model_id)
      : getConversationWithMinion(ctx, userId, model_id, named),
  ]);
  const { id } = conversation;
  const turn = { client_id: crypto.randomUUID(), text: message, attachment_ids: [], overrides: overridesOf(asked) };
  const { answer } = await callRoom(ctx, id, (room) => room.send(userId, turn));
  const settled = await callRoom(ctx, id, (room) => room.answer(userId, answer.id), answerTimeoutMs);
  requireAnswer(settled, id);
  return {
    success: true,
    ...replyFields(settled),
    ...contextFields(catalog, minion, asked, settled),
    processing_time: (performance.now() - startedAt) / 1_000,
    conversation_id: id,
  };
}

/** What is said of a turn, without what is left out. */
function overridesOf(asked: Asked): Overrides {
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== null && value !== undefined));
}

/** @throws what the turn failed with */
function requireAnswer({ status, error }: Message, conversationId: number): void {
  if (status === "complete" || status === "stopped") return;
  const members = { conversation_id: conversationId };
  if (error === null)
    throw new AppError(providerErrors.provider_timed_out, "The answer is not finished yet. Read the conversation later.", {
      extensions: members,
    });
  // What broke off with its room may be asked again.
  const type = isTurnFailureCode(error.code) ? turnErrors[error.code] : "realtime_unavailable";
  throw new AppError(type, error.detail, { extensions: members });
}

const noUsage: MessageUsage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, cost_usd: 0 };

function replyFields({ status, text, usage, citations, tools }: Message) {
  return {
    response: text,
    usage: usage ?? noUsage,
    error: status === "stopped" ? "The answer was stopped." : null,
    rag_used: citations.length > 0,
    tools_used: [...new Set(tools.filter((use) => use.status === "complete").map(({ tool }) => tool))],
    citations,
  };
}

function contextFields(catalog: Catalog, minion: MinionRow, asked: Asked, { model }: Message) {
  const use_spirits = asked.use_spirits ?? true;
  const atWork = use_spirits ? spiritsOf(catalog, minion).filter(({ is_active }) => is_active) : [];
  return {
    minion_name: minion.display_name,
    provider: model === null ? null : model.slice(0, model.indexOf("/")),
    spirits_enabled: use_spirits,
    spirits_used: atWork.map(({ name }) => name),
    used_config: {
      model,
      system_prompt: asked.system_prompt ?? minion.system_prompt,
      temperature: asked.temperature ?? minion.temperature,
      max_tokens: asked.max_tokens ?? minion.max_tokens,
      top_p: asked.top_p ?? minion.top_p,
      use_rag: asked.use_rag ?? minion.rag_enabled,
      use_spirits,
    },
  };
}
