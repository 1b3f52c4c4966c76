import { and, eq } from "drizzle-orm";
import type { BatchResponse } from "drizzle-orm/batch";
import { users } from "../auth/tables.ts";
import { catalogOf } from "../catalog/service.ts";
import type { Catalog } from "../catalog/snapshot.ts";
import type { Ctx } from "../context.ts";
import { commit } from "../kit/db/commit.ts";
import { AppError } from "../kit/errors.ts";
import { authErrors } from "../auth/errors.ts";
import type { RetrievalMethod } from "../knowledge/constants.ts";
import type { KnowledgeBaseRef } from "../knowledge/search/retrieve.ts";
import { knowledgeBases } from "../knowledge/tables.ts";
import { selectModelCandidates, type ModelCandidateRow } from "../minions/models/candidates.ts";
import type { PromptParts } from "../minions/system-prompt.ts";
import { ownMinion, selectMinions, type MinionRow } from "../minions/queries.ts";
import { minionModelSummary } from "../minions/model-summary.ts";
import { spiritsOf } from "../minions/spirits/views.ts";
import { minions } from "../minions/tables.ts";
import { externalModels } from "../models/tables.ts";
import type { Tool } from "../tools/tool.ts";

/** The context window of a model if it is unknown: nearly all models have at least this. */
const defaultContextTokens = 8_192;

/** The settings of a minion for a turn: plain data that a room can cache. API keys in it are encrypted. */
export type TurnSettings = {
  user_id: number;
  minion_id: number;
  display_name: string;
  /** The parts of its system prompt, without its spirits. */
  parts: Omit<PromptParts, "spirits">;
  /** The active spirits. */
  spirits: ActiveSpirit[];
  /** Null means the model's default. */
  sampling: { temperature: number | null; top_p: number | null; max_tokens: number | null };
  model: ModelCapabilities;
  /** The model and its fallbacks, in order. */
  modelCandidates: ModelCandidateRow[];
  /** Null without a knowledge base. */
  retrieval: Retrieval | null;
  citations_enabled: boolean;
};

/** The capabilities of the first model. */
export type ModelCapabilities = {
  /** Tokens of prompt and answer together; null for no limit. */
  context_length: number | null;
  sees_pictures: boolean;
  calls_tools: boolean;
};

export type ActiveSpirit = {
  spirit_id: number;
  name: string;
  category: string;
  spirit_level: number;
  /** The tools that the spirit has at its level. */
  tools: { tool_id: number; name: string; description: string }[];
};

type Retrieval = { is_enabled: boolean; base: KnowledgeBaseRef; top_k: number; method: RetrievalMethod; threshold: number };

/** The queries for `settingsFrom`. A caller may commit them together with its own. */
export function selectSettings(ctx: Ctx, userId: number, minionId: number) {
  return [
    selectMinions(ctx, userId, ownMinion(userId, minionId)),
    selectModelCandidates(ctx, userId, minionId),
    selectOwner(ctx, userId, minionId),
  ] as const;
}

type SettingsRows = BatchResponse<ReturnType<typeof selectSettings>>;

/**
 * Reads the settings of a user's minion. One Postgres round trip, besides the catalog.
 * @throws not_found if the minion is deleted or in the trash; account_banned; catalog_unavailable
 */
export async function readSettings(ctx: Ctx, userId: number, minionId: number): Promise<TurnSettings> {
  const [catalog, rows] = await Promise.all([catalogOf(ctx), commit(ctx, selectSettings(ctx, userId, minionId))]);
  return settingsFrom(catalog, rows);
}

/**
 * Builds the settings from the rows of `selectSettings`.
 * @throws not_found if the minion is deleted or in the trash; account_banned
 */
export function settingsFrom(catalog: Catalog, [[row], answering, [owner]]: SettingsRows): TurnSettings {
  if (owner !== undefined && owner.banned_at !== null)
    throw new AppError(authErrors.account_banned, "This account is banned. Contact support.");
  if (row === undefined || owner === undefined) throw new AppError("not_found", "Minion not found.");
  const { base, defaults } = owner;
  return {
    user_id: owner.id,
    minion_id: row.id,
    display_name: row.display_name,
    parts: promptParts(catalog, row, defaults?.system_prompt ?? ""),
    spirits: activeSpirits(catalog, row),
    sampling: {
      temperature: row.temperature ?? defaults?.temperature ?? null,
      top_p: row.top_p ?? defaults?.top_p ?? null,
      max_tokens: row.max_tokens ?? defaults?.max_tokens ?? null,
    },
    model: modelCapabilities(row, answering[0]),
    modelCandidates: answering,
    retrieval:
      base === null
        ? null
        : {
            is_enabled: row.rag_enabled,
            base,
            top_k: row.top_k,
            method: row.retrieval_method,
            threshold: row.similarity_threshold,
          },
    citations_enabled: row.citations_enabled,
  };
}

/** Selects the owner, the knowledge base of the minion, and the defaults of its model. */
function selectOwner(ctx: Ctx, userId: number, minionId: number) {
  const { id, user_id, embedding_model, dimensions } = knowledgeBases;
  const { temperature, top_p, max_tokens, system_prompt } = externalModels;
  return ctx.db
    .select({
      id: users.id,
      banned_at: users.banned_at,
      base: { id, user_id, embedding_model, dimensions },
      defaults: { id: externalModels.id, temperature, top_p, max_tokens, system_prompt },
    })
    .from(users)
    .leftJoin(minions, ownMinion(userId, minionId))
    .leftJoin(knowledgeBases, and(eq(user_id, userId), eq(id, minions.knowledge_base_id)))
    .leftJoin(externalModels, and(eq(externalModels.user_id, userId), eq(externalModels.id, minions.external_model_id)))
    .where(eq(users.id, userId));
}

function promptParts(catalog: Catalog, row: MinionRow, defaultPrompt: string): TurnSettings["parts"] {
  const { name, display_name, description, personality, system_prompt, traits, class_id } = row;
  const minionClass = catalog.classes.find(({ id }) => id === class_id);
  const minion_class =
    minionClass === undefined
      ? null
      : {
          class_name: minionClass.class_name,
          specialization: minionClass.specialization,
          perfect_for: minionClass.perfect_for,
        };
  const instructions = system_prompt.trim() === "" ? defaultPrompt : system_prompt;
  return { minion: { name, display_name, description, personality, system_prompt: instructions }, traits, minion_class };
}

function activeSpirits(catalog: Catalog, row: MinionRow): ActiveSpirit[] {
  const known = new Map(catalog.tools.map((tool) => [tool.name, tool]));
  return spiritsOf(catalog, row)
    .filter(({ is_active }) => is_active)
    .map(({ spirit_id, name, category, spirit_level, tools }) => ({
      spirit_id,
      name,
      category,
      spirit_level,
      tools: tools.flatMap((each) => {
        const tool = known.get(each);
        return tool === undefined ? [] : [{ tool_id: tool.id, name: tool.name, description: tool.description }];
      }),
    }));
}

function modelCapabilities(row: MinionRow, first: ModelCandidateRow | undefined): ModelCapabilities {
  const summary = minionModelSummary(row);
  // The built-in model reads only the question and the passages, so it has no limit.
  const context_length = summary?.provider === "builtin" ? null : (summary?.context_length ?? defaultContextTokens);
  return {
    context_length,
    sees_pictures: summary?.capabilities.includes("vision") ?? false,
    calls_tools: (summary?.supports_tools ?? false) && first?.quirks?.tools !== false,
  };
}

/** Settings that a single turn replaces. */
export type Overrides = {
  system_prompt?: string;
  temperature?: number;
  max_tokens?: number;
  top_p?: number;
  use_rag?: boolean;
  use_spirits?: boolean;
};

/** Applies overrides to the settings. Without a knowledge base, `use_rag` has no effect. */
export function withOverrides(settings: TurnSettings, overrides: Overrides): TurnSettings {
  const { parts, spirits, sampling, retrieval } = settings;
  const { system_prompt, use_rag, use_spirits, temperature, top_p, max_tokens } = overrides;
  const minion = system_prompt === undefined ? parts.minion : { ...parts.minion, system_prompt };
  return {
    ...settings,
    parts: { ...parts, minion },
    spirits: use_spirits === false ? [] : spirits,
    sampling: {
      temperature: temperature ?? sampling.temperature,
      top_p: top_p ?? sampling.top_p,
      max_tokens: max_tokens ?? sampling.max_tokens,
    },
    retrieval: retrieval === null ? null : { ...retrieval, is_enabled: use_rag ?? retrieval.is_enabled },
  };
}

/** The tools that the minion may call: tools of its active spirits at their level, if its model supports tools. Each name occurs once. */
export function callableTools({ spirits, model }: TurnSettings, tools: readonly Tool[]): Tool[] {
  if (!model.calls_tools) return [];
  const isUnlocked = ({ name, spirit_id, tool_id }: Tool) =>
    spirits.some(
      (spirit) => spirit.spirit_id === spirit_id && spirit.tools.some((tool) => tool.tool_id === tool_id && tool.name === name),
    );
  const byName = new Map(
    tools
      .filter(isUnlocked)
      .toReversed()
      .map((tool) => [tool.name, tool]),
  );
  return Array.from(byName.values()).toReversed();
}
