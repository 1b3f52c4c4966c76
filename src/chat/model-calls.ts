import type { LanguageModelV4 } from "@ai-sdk/provider";
import type { Ctx } from "../context.ts";
import { candidatesOf, type Answering } from "../minions/answering.ts";
import type { CallOptions } from "../models/gateway-call.ts";
import { gatewayModel } from "../models/gateway.ts";
import type { Settings } from "./settings.ts";
import type { TurnResult } from "./turn-events.ts";

/** Makes the model of a turn, behind the gateway, with these deadlines and records. */
export type OpenModel = (options: CallOptions) => LanguageModelV4;

/**
 * The models of a turn. Each of their calls leaves one record in the result of the turn, however it ended, with the row that the model
 * stands in.
 * @param given in place of the models of the minion
 */
export function openModelCalls(
  ctx: Ctx,
  settings: Settings,
  given: OpenModel | undefined,
  result: Pick<TurnResult, "calls" | "model">,
): OpenModel {
  let row: Answering["row"];
  // What is opened last is what a record is of: of two models with one name, this tells which.
  const noting = (candidate: Answering): Answering => ({
    ...candidate,
    open() {
      row = candidate.row;
      return candidate.open();
    },
  });
  function behindGateway(options: CallOptions): LanguageModelV4 {
    const [first, ...others]: readonly Answering[] = candidatesOf(ctx, settings.user_id, settings.answering);
    return gatewayModel([noting(first!), ...others.map(noting)], options);
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
