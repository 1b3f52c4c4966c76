import { Buffer } from "node:buffer";
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
  LanguageModelV4Source,
  LanguageModelV4StreamPart,
  SharedV4Warning,
} from "@ai-sdk/provider";
import { readPassages, type NumberedPassage } from "../../gateway/passage-block.ts";
import { bytesPerToken, estimateUsage, textsOf } from "../../gateway/tokens.ts";
import { answer } from "./answer.ts";

const modelId = "extractive";

/** A complete reply, which `doGenerate` returns and `doStream` streams. */
type Reply = Pick<LanguageModelV4GenerateResult, "finishReason" | "usage" | "warnings"> & {
  sources: LanguageModelV4Source[];
  words: string[];
};

/**
 * `builtin/extractive`: answers the last user message by quoting the passages that `renderPassages` put into the system
 * prompt. It does not sample, call tools or read files. If a call requests one of these, it adds a warning and answers anyway.
 * @param connectable display names of the providers whose models can be connected
 */
export function extractiveModel(connectable: readonly string[]): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: "builtin",
    modelId,
    // Files are ignored, so none is downloaded.
    supportedUrls: { "*/*": [/^/] },
    async doGenerate(options) {
      options.abortSignal?.throwIfAborted();
      const { sources, words, ...rest } = await replyTo(options, connectable);
      return { content: [...sources, { type: "text", text: words.join("") }], response: { modelId }, ...rest };
    },
    async doStream(options) {
      options.abortSignal?.throwIfAborted();
      return { stream: streamParts(replyParts(await replyTo(options, connectable)), options.abortSignal) };
    },
  };
}

async function replyTo(options: LanguageModelV4CallOptions, connectable: readonly string[]): Promise<Reply> {
  const { prompt, maxOutputTokens = Infinity } = options;
  const { text, cited } = await answer(questionIn(prompt), readPassages(prompt), connectable);
  const all = text.match(/\s*\S{1,16}/gu) ?? [];
  const words = firstTokens(all, maxOutputTokens);
  return {
    sources: cited.map(sourceOf),
    words,
    finishReason: words.length < all.length ? { unified: "length", raw: undefined } : { unified: "stop", raw: undefined },
    usage: estimateUsage(prompt, words.join("")),
    warnings: warningsFor(options),
  };
}

function firstTokens(words: readonly string[], limit: number): string[] {
  const result: string[] = [];
  let room = limit * bytesPerToken;
  for (const word of words) {
    room -= Buffer.byteLength(word);
    if (room < 0) break;
    result.push(word);
  }
  return result;
}

function questionIn(prompt: LanguageModelV4Prompt): string {
  const message = prompt.findLast(({ role }) => role === "user");
  return message === undefined ? "" : textsOf(message).join("\n");
}

function sourceOf({ number, source }: NumberedPassage): LanguageModelV4Source {
  const id = String(number);
  return /^https?:/.test(source) && URL.canParse(source)
    ? { type: "source", sourceType: "url", id, url: source }
    : { type: "source", sourceType: "document", id, mediaType: "text/plain", title: source };
}

/** Sampling settings, which this model does not support. */
const sampling = ["temperature", "topP", "topK", "presencePenalty", "frequencyPenalty", "stopSequences"] as const;

function warningsFor(options: LanguageModelV4CallOptions): SharedV4Warning[] {
  const unsupported = (feature: string, details: string): SharedV4Warning => ({ type: "unsupported", feature, details });
  const warnings = sampling
    .filter((setting) => options[setting] !== undefined)
    .map((setting) => unsupported(setting, "This model only quotes; it does not sample."));
  if (options.tools !== undefined && options.tools.length > 0)
    warnings.push(unsupported("tools", "This model does not call tools."));
  if (options.responseFormat?.type === "json")
    warnings.push(unsupported("responseFormat", "This model answers in plain text."));
  if (options.prompt.some(({ content }) => Array.isArray(content) && content.some(({ type }) => type === "file"))) {
    warnings.push(unsupported("file parts", "This model reads text only."));
  }
  return warnings;
}

function* replyParts({ sources, words, finishReason, usage, warnings }: Reply): Generator<LanguageModelV4StreamPart, void> {
  const id = "answer";
  yield { type: "stream-start", warnings };
  yield { type: "response-metadata", modelId };
  yield* sources;
  yield { type: "text-start", id };
  for (const delta of words) yield { type: "text-delta", id, delta };
  yield { type: "text-end", id };
  yield { type: "finish", finishReason, usage };
}

/** Enqueues one part per pull and checks for an abort before each. */
function streamParts(
  parts: Iterator<LanguageModelV4StreamPart, void>,
  abortSignal: AbortSignal | undefined,
): ReadableStream<LanguageModelV4StreamPart> {
  return new ReadableStream<LanguageModelV4StreamPart>(
    {
      pull(controller) {
        abortSignal?.throwIfAborted();
        const { done, value } = parts.next();
        if (value === undefined || done === true) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
}
