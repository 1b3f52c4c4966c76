import type { LanguageModelV4, LanguageModelV4CallOptions } from "@ai-sdk/provider";
import type { Ctx } from "../context.ts";
import { candidatesOf, type Answering } from "../minions/answering.ts";
import type { CallOptions } from "../models/gateway-call.ts";
import { gatewayModel } from "../models/gateway.ts";
import type { ModelSummary } from "../models/kinds.ts";
import { askedOtherwise } from "../models/provider.ts";
import type { Settings } from "./settings.ts";
import type { TurnResult } from "./turn-events.ts";

/** Makes the model of a turn, behind the gateway, with these deadlines and records. */
export type OpenModel = (options: CallOptions, needs?: Needs) => LanguageModelV4;

/** What a prompt wants of a model: tokens of prompt and answer together, and whether there is something to see. */
export type Needs = { tokens: number; pictures: boolean };

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
  const noting = (candidate: Answering): Answering => ({
    ...candidate,
    async open() {
      // What is opened last is what a record is of: of two models with one name, this tells which.
      row = candidate.row;
      const model = await candidate.open();
      return candidate.summary?.supports_tools === true ? model : askedOtherwise(model, withoutTools);
    },
  });
  function behindGateway(options: CallOptions, needs?: Needs): LanguageModelV4 {
    const [first, ...others]: readonly Answering[] = candidatesOf(ctx, settings.user_id, settings.answering);
    const able = others.filter(({ summary }) => needs === undefined || mayTake(summary, needs));
    return gatewayModel([noting(first!), ...able.map(noting)], options);
  }
  const open = given ?? behindGateway;
  return (options, needs) => {
    const noted: CallOptions = {
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
    };
    return open(noted, needs);
  };
}

/** Whether a model that stands in is not known to be too small for a prompt, or blind to it. What this server has quotes from any. */
function mayTake(summary: ModelSummary | null, { tokens, pictures }: Needs): boolean {
  if (summary === null || summary.provider === "builtin") return true;
  const hasRoom = summary.context_length === null || tokens <= summary.context_length;
  return hasRoom && (!pictures || summary.capabilities.includes("vision"));
}

function withoutTools(options: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  const { tools: _, toolChoice: __, ...others } = options;
  return others;
}
