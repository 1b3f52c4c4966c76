import type { EmbeddingModelV4, LanguageModelV4 } from "@ai-sdk/provider";
import { GatewayCall, type CallOptions, type Candidate, type Candidates } from "./call.ts";
import { ProviderError } from "./errors.ts";
import { normalizeFinishReason } from "./finish-reason.ts";
import { embeddingFault, normalizeUsage, toCount } from "./provider-numbers.ts";
import { pipeStream, bufferUntilFirstToken } from "./stream.ts";
import { estimateTokens, estimateUsage, textIn } from "./tokens.ts";
import { noTokens, tokenCounts } from "./usage-record.ts";

/**
 * The gateway to language models. It is a model itself, so it works with every function of the AI SDK. Each call has deadlines, can
 * switch to the next candidate until the first token, and creates one usage record. Nothing else retries: the AI SDK retries only
 * its own errors, and the gateway throws `ProviderError`s.
 */
export function gatewayModel(candidates: Candidates<LanguageModelV4>, options: CallOptions = {}): LanguageModelV4 {
  const [{ provider, modelId }] = candidates;
  return {
    specificationVersion: "v4",
    provider: provider.name,
    modelId,
    // File URLs are passed to the vendor. The AI SDK would download a URL that is not listed here.
    supportedUrls: { "*/*": [/^/] },
    async doGenerate(request) {
      const call = new GatewayCall(candidates, options, request.abortSignal);
      const result = await call.run(async (model, abortSignal) => {
        const reply = await model.doGenerate({ ...request, abortSignal });
        const finishReason = normalizeFinishReason(reply.finishReason);
        if (finishReason.unified === "error") throw new Error("The vendor broke the answer off.");
        return { ...reply, finishReason };
      });
      call.complete(tokenCounts(result.usage, () => estimateUsage(request.prompt, textIn(result.content))));
      return { ...result, usage: normalizeUsage(result.usage) };
    },
    async doStream(request) {
      const call = new GatewayCall(candidates, options, request.abortSignal);
      const { opening, ...rest } = await call.run(async (model, abortSignal) => {
        const { stream, ...result } = await model.doStream({ ...request, abortSignal });
        return { ...result, opening: await bufferUntilFirstToken(stream, abortSignal) };
      }, options.firstTokenMs ?? 20_000);
      call.markFirstToken();
      return { ...rest, stream: pipeStream(opening, call, request.prompt) };
    },
  };
}

/**
 * Like `gatewayModel`, for an embedding model. It has no fallbacks, because vectors of different models do not compare. Vectors that
 * cannot be compared fail the call: a wrong number of them, different lengths, components that are no numbers, only zeros.
 */
export function gatewayEmbeddingModel(candidate: Candidate<EmbeddingModelV4>, options: CallOptions = {}): EmbeddingModelV4 {
  let opened: Promise<EmbeddingModelV4> | undefined;
  const open = () => (opened ??= candidate.open());
  const { provider, modelId } = candidate;
  return {
    specificationVersion: "v4",
    provider: provider.name,
    modelId,
    get maxEmbeddingsPerCall() {
      return open().then((model) => model.maxEmbeddingsPerCall);
    },
    get supportsParallelCalls() {
      return open().then((model) => model.supportsParallelCalls);
    },
    async doEmbed(request) {
      const call = new GatewayCall([{ provider, modelId, open }], options, request.abortSignal);
      const result = await call.run(async (model, abortSignal) => {
        const reply = await model.doEmbed({ ...request, abortSignal });
        const fault = embeddingFault(reply.embeddings, request.values.length);
        if (fault === undefined) return reply;
        throw new ProviderError("refused", provider, { detail: `${provider.display_name} returned ${fault}.` });
      });
      const reported = toCount(result.usage?.tokens);
      const tokens = reported ?? request.values.reduce((sum, value) => sum + estimateTokens(value), 0);
      call.complete({ ...noTokens, input_tokens: tokens, is_estimated: reported === undefined });
      return { ...result, usage: { tokens } };
    },
  };
}
