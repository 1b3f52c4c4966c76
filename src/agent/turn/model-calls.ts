import type { LanguageModelV4, LanguageModelV4CallOptions } from "@ai-sdk/provider";
import type { Ctx } from "../../context.ts";
import { gatewayCandidates, type MinionModelCandidate } from "../../minions/models/candidates.ts";
import type { CallOptions } from "../../models/gateway/call.ts";
import { gatewayModel } from "../../models/gateway/gateway.ts";
import { withTransformedOptions } from "../../models/providers/provider.ts";
import { adaptPromptTo, fitsContext } from "../prompt/fallback-prompt.ts";
import type { TurnSettings } from "../settings.ts";
import type { TurnResult } from "../events.ts";

/** Creates the model of a turn, behind the gateway. */
export type CreateModel = (options: CallOptions) => LanguageModelV4;

/** Timeouts for the first token, in ms. A turn must show progress within 30 s, so the first model leaves time for the fallbacks. */
const firstTokenMs = { alone: 20_000, withOthers: 12_000 };

/**
 * The models of a turn. Each call adds one usage record to the result of the turn, with the `external_models` row of its model. A fallback
 * gets an adapted prompt, and is skipped if the prompt does not fit into its context window.
 * @param createModel replaces the models of the minion
 */
export function createTurnModels(
  ctx: Ctx,
  settings: TurnSettings,
  createModel: CreateModel | undefined,
  result: Pick<TurnResult, "calls" | "model">,
): CreateModel {
  let row: MinionModelCandidate["row"];
  const withRow = (candidate: MinionModelCandidate): MinionModelCandidate => ({
    ...candidate,
    async open() {
      // The usage record belongs to the model that was opened last. Two rows can have the same model name.
      row = candidate.row;
      return withTransformedOptions(await candidate.open(), (callOptions) => adaptPromptTo(candidate.summary, callOptions));
    },
  });
  function createGatewayModel(options: CallOptions): LanguageModelV4 {
    const [first, ...others]: readonly MinionModelCandidate[] = gatewayCandidates(
      ctx,
      settings.user_id,
      settings.modelCandidates,
    );
    const modelFor = (callOptions: LanguageModelV4CallOptions) => {
      const fitting = others.filter(({ summary }) => fitsContext(summary, callOptions)).map(withRow);
      const ms = fitting.length > 0 ? firstTokenMs.withOthers : firstTokenMs.alone;
      return gatewayModel([withRow(first!), ...fitting], { firstTokenMs: ms, ...options });
    };
    return {
      ...gatewayModel([first!], options),
      doGenerate: (callOptions) => modelFor(callOptions).doGenerate(callOptions),
      doStream: (callOptions) => modelFor(callOptions).doStream(callOptions),
    };
  }
  const open = createModel ?? createGatewayModel;
  return (options) =>
    open({
      ...options,
      onUsage(record) {
        result.calls.push({
          record,
          external_model_id: row?.id ?? null,
          key_ref: row?.key_ref ?? null,
          is_key_rejected: record.error_code === "provider_key_rejected",
        });
        if (record.attempts.at(-1)?.outcome === "answered") result.model = `${record.provider}/${record.model_id}`;
      },
    });
}
