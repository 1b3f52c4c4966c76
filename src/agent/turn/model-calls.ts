import type { LanguageModelV4, LanguageModelV4CallOptions } from "@ai-sdk/provider";
import type { Ctx } from "../../context.ts";
import { gatewayCandidates, type MinionModelCandidate } from "../../minions/models/candidates.ts";
import type { CallOptions } from "../../models/gateway/call.ts";
import { gatewayModel } from "../../models/gateway/gateway.ts";
import { askedOtherwise } from "../../models/providers/provider.ts";
import { adaptPromptTo, fitsContext } from "../prompt/fallback-prompt.ts";
import type { TurnSettings } from "../settings.ts";
import type { TurnResult } from "../events.ts";

/** Makes the model of a turn, behind the gateway, with these deadlines and records. */
export type CreateModel = (options: CallOptions) => LanguageModelV4;

/** Milliseconds to the first token. Nothing may show no progress for 30 s: the first leaves time of that to those that stand in. */
const firstTokenMs = { alone: 20_000, withOthers: 12_000 };

/**
 * The models of a turn. Each of their calls leaves one record in the result of the turn, however it ended, with the row that the model
 * stands in. A fallback is asked what it can take, and not at all where it has no room for that.
 * @param given in place of the models of the minion
 */
export function createTurnModels(
  ctx: Ctx,
  settings: TurnSettings,
  given: CreateModel | undefined,
  result: Pick<TurnResult, "calls" | "model">,
): CreateModel {
  let row: MinionModelCandidate["row"];
  const noting = (candidate: MinionModelCandidate): MinionModelCandidate => ({
    ...candidate,
    async open() {
      // What is opened last is what a record is of: of two models with one name, this tells which.
      row = candidate.row;
      return askedOtherwise(await candidate.open(), (asked) => adaptPromptTo(candidate.summary, asked));
    },
  });
  function behindGateway(options: CallOptions): LanguageModelV4 {
    const [first, ...others]: readonly MinionModelCandidate[] = gatewayCandidates(ctx, settings.user_id, settings.answering);
    const modelFor = (asked: LanguageModelV4CallOptions) => {
      const able = others.filter(({ summary }) => fitsContext(summary, asked)).map(noting);
      const ms = able.length > 0 ? firstTokenMs.withOthers : firstTokenMs.alone;
      return gatewayModel([noting(first!), ...able], { firstTokenMs: ms, ...options });
    };
    return {
      ...gatewayModel([first!], options),
      doGenerate: (asked) => modelFor(asked).doGenerate(asked),
      doStream: (asked) => modelFor(asked).doStream(asked),
    };
  }
  const open = given ?? behindGateway;
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
