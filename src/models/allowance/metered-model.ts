import type {
  EmbeddingModelV4,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import type { Allowance, Reservation } from "./allowance.ts";
import type { QuotaAmounts } from "./rules.ts";
import { raceAbort } from "../../kit/async/abort.ts";
import { ProviderError } from "../gateway/errors.ts";
import { toCount } from "../gateway/provider-numbers.ts";
import { isBrokenOff } from "../gateway/finish-reason.ts";
import { isPreamble } from "../gateway/stream.ts";
import { estimateTokens, estimateUsage, textIn } from "../gateway/tokens.ts";
import { tokenCounts, uncounted } from "../gateway/usage-record.ts";

/** The assumed maximum number of output tokens if the call sets none. */
const defaultMaxOutputTokens = 1_024;

const nothing: QuotaAmounts = { turns: 0, tokens: 0 };

/**
 * A language model that counts each call as a turn of an allowance, with its tokens. A call that fails before its first token returns
 * its turn. A call that its caller aborts counts its input.
 */
export function meteredModel(model: LanguageModelV4, allowance: Allowance | undefined): LanguageModelV4 {
  if (allowance === undefined) return model;
  const { specificationVersion, provider, modelId, supportedUrls } = model;
  return {
    specificationVersion,
    provider,
    modelId,
    supportedUrls,
    async doGenerate(options) {
      const reservation = await allowance.reserve(upperBound(options));
      const result = await settlingFailure(reservation, options, () => model.doGenerate(options));
      reservation.settle(spentOn(options, textIn(result.content), result.usage));
      return result;
    },
    async doStream(options) {
      const reservation = await allowance.reserve(upperBound(options));
      const { stream, ...result } = await settlingFailure(reservation, options, () => model.doStream(options));
      return { ...result, stream: settlingAtEnd(stream, reservation, options) };
    },
  };
}

/** Like `meteredModel`, for an embedding model. An embedding is not a turn and counts only tokens. */
export function meteredEmbeddingModel(model: EmbeddingModelV4, allowance: Allowance | undefined): EmbeddingModelV4 {
  if (allowance === undefined) return model;
  const { specificationVersion, provider, modelId, maxEmbeddingsPerCall, supportsParallelCalls } = model;
  return {
    specificationVersion,
    provider,
    modelId,
    maxEmbeddingsPerCall,
    supportsParallelCalls,
    async doEmbed(options) {
      const most = { turns: 0, tokens: options.values.reduce((sum, value) => sum + estimateTokens(value), 0) };
      const reservation = await allowance.reserve(most);
      const work = () => raceAbort(options.abortSignal ?? never, () => model.doEmbed(options));
      const result = await work().catch((cause: unknown) => {
        reservation.settle(abortedByCaller(cause, options.abortSignal) ? most : nothing);
        throw cause;
      });
      reservation.settle({ turns: 0, tokens: toCount(result.usage?.tokens) ?? most.tokens });
      return result;
    },
  };
}

type Options = LanguageModelV4CallOptions;

const never = new AbortController().signal;

function upperBound(options: Options): QuotaAmounts {
  return { turns: 1, tokens: spentOn(options, "").tokens + (options.maxOutputTokens ?? defaultMaxOutputTokens) };
}

/** The usage of an answer, as reported by the model or estimated by its length. */
function spentOn({ prompt }: Options, text: string, usage = uncounted): QuotaAmounts {
  const { input_tokens, output_tokens } = tokenCounts(usage, () => estimateUsage(prompt, text));
  return { turns: 1, tokens: input_tokens + output_tokens };
}

/** Checks whether the caller aborted the call, and not a timeout of the gateway. */
function abortedByCaller(reason: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && reason === signal.reason && !(reason instanceof ProviderError);
}

async function settlingFailure<T>(reservation: Reservation, options: Options, work: () => PromiseLike<T>): Promise<T> {
  try {
    return await raceAbort(options.abortSignal ?? never, work);
  } catch (cause) {
    reservation.settle(abortedByCaller(cause, options.abortSignal) ? spentOn(options, "") : nothing);
    throw cause;
  }
}

/** Wraps a stream so that it settles its usage once, however it ends. */
function settlingAtEnd(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  reservation: Reservation,
  options: Options,
): ReadableStream<LanguageModelV4StreamPart> {
  const reader = stream.getReader();
  let text = "";
  let began = false;
  let isSettled = false;
  const settle = (spent: QuotaAmounts) => {
    if (!isSettled) reservation.settle(spent);
    isSettled = true;
  };
  const settleFailure = () => settle(began ? spentOn(options, text) : nothing);
  return new ReadableStream<LanguageModelV4StreamPart>(
    {
      async pull(controller) {
        try {
          const { value: part, done } = await reader.read();
          if (done) {
            settleFailure();
            return controller.close();
          }
          if ("delta" in part) text += part.delta;
          if (part.type === "error") settleFailure();
          else if (part.type === "finish") {
            if (isBrokenOff(part.finishReason) && !began) settle(nothing);
            else settle(spentOn(options, text, part.usage));
          } else began ||= !isPreamble(part);
          controller.enqueue(part);
        } catch (cause) {
          settleFailure();
          controller.error(cause);
        }
      },
      async cancel(reason) {
        if (began || abortedByCaller(reason, options.abortSignal)) settle(spentOn(options, text));
        else settle(nothing);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
