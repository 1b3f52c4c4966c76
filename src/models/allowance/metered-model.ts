import type {
  EmbeddingModelV4,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import type { Allowance, Reservation } from "./allowance.ts";
import type { Spending } from "./rules.ts";
import { untilAborted } from "../../kit/async/abort.ts";
import { ProviderError } from "../gateway/errors.ts";
import { isTruncated, isPreamble } from "../gateway/stream.ts";
import { estimateTokens, estimateUsage, textIn } from "../gateway/tokens.ts";
import { tokenCounts, uncounted } from "../gateway/usage-record.ts";

/** The assumed maximum number of output tokens if the call sets none. */
const usualAnswer = 1_024;

const nothing: Spending = { turns: 0, tokens: 0 };

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
    async doGenerate(asked) {
      const taken = await allowance.reserve(upperBound(asked));
      const result = await settlingFailure(taken, asked, () => model.doGenerate(asked));
      taken.settle(spentOn(asked, textIn(result.content), result.usage));
      return result;
    },
    async doStream(asked) {
      const taken = await allowance.reserve(upperBound(asked));
      const { stream, ...result } = await settlingFailure(taken, asked, () => model.doStream(asked));
      return { ...result, stream: settlingAtEnd(stream, taken, asked) };
    },
  };
}

/** Like `meteredModel`, for an embedding model. An embedding is not a turn and counts only tokens. */
export function rationedEmbeddingModel(model: EmbeddingModelV4, allowance: Allowance | undefined): EmbeddingModelV4 {
  if (allowance === undefined) return model;
  const { specificationVersion, provider, modelId, maxEmbeddingsPerCall, supportsParallelCalls } = model;
  return {
    specificationVersion,
    provider,
    modelId,
    maxEmbeddingsPerCall,
    supportsParallelCalls,
    async doEmbed(asked) {
      const most = { turns: 0, tokens: asked.values.reduce((sum, value) => sum + estimateTokens(value), 0) };
      const taken = await allowance.reserve(most);
      const work = () => untilAborted(asked.abortSignal ?? never, () => model.doEmbed(asked));
      const result = await work().catch((cause: unknown) => {
        taken.settle(abortedByCaller(cause, asked.abortSignal) ? most : nothing);
        throw cause;
      });
      taken.settle({ turns: 0, tokens: result.usage?.tokens ?? most.tokens });
      return result;
    },
  };
}

type Asked = LanguageModelV4CallOptions;

const never = new AbortController().signal;

function upperBound(asked: Asked): Spending {
  return { turns: 1, tokens: spentOn(asked, "").tokens + (asked.maxOutputTokens ?? usualAnswer) };
}

/** The usage of an answer, as reported by the model or estimated by its length. */
function spentOn({ prompt }: Asked, text: string, usage = uncounted): Spending {
  const { input_tokens, output_tokens } = tokenCounts(usage, () => estimateUsage(prompt, text));
  return { turns: 1, tokens: input_tokens + output_tokens };
}

/** Checks whether the caller aborted the call, and not a timeout of the gateway. */
function abortedByCaller(reason: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && reason === signal.reason && !(reason instanceof ProviderError);
}

async function settlingFailure<T>(taken: Reservation, asked: Asked, work: () => PromiseLike<T>): Promise<T> {
  try {
    return await untilAborted(asked.abortSignal ?? never, work);
  } catch (cause) {
    taken.settle(abortedByCaller(cause, asked.abortSignal) ? spentOn(asked, "") : nothing);
    throw cause;
  }
}

/** Wraps a stream so that it settles its usage once, however it ends. */
function settlingAtEnd(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  taken: Reservation,
  asked: Asked,
): ReadableStream<LanguageModelV4StreamPart> {
  const reader = stream.getReader();
  let said = "";
  let began = false;
  let isSettled = false;
  const settle = (spent: Spending) => {
    if (!isSettled) taken.settle(spent);
    isSettled = true;
  };
  const settleFailure = () => settle(began ? spentOn(asked, said) : nothing);
  return new ReadableStream<LanguageModelV4StreamPart>(
    {
      async pull(controller) {
        try {
          const { value: part, done } = await reader.read();
          if (done) {
            settleFailure();
            return controller.close();
          }
          if ("delta" in part) said += part.delta;
          if (part.type === "error") settleFailure();
          else if (part.type === "finish") {
            if (isTruncated(part) && !began) settle(nothing);
            else settle(spentOn(asked, said, part.usage));
          } else began ||= !isPreamble(part);
          controller.enqueue(part);
        } catch (cause) {
          settleFailure();
          controller.error(cause);
        }
      },
      async cancel(reason) {
        if (began || abortedByCaller(reason, asked.abortSignal)) settle(spentOn(asked, said));
        else settle(nothing);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
