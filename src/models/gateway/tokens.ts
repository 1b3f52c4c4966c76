import { Buffer } from "node:buffer";
import type { LanguageModelV4Content, LanguageModelV4Prompt, LanguageModelV4Usage } from "@ai-sdk/provider";

/** The average number of UTF-8 bytes per token, over common tokenizers and languages. */
export const bytesPerToken = 4;

/** Estimates the tokens of a text: a quarter of its UTF-8 bytes. */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / bytesPerToken);
}

/** The text parts of a message of a prompt. */
export function textsOf({ content }: LanguageModelV4Prompt[number]): string[] {
  return typeof content === "string" ? [content] : content.flatMap((part) => (part.type === "text" ? [part.text] : []));
}

/** The text of an answer, including reasoning. */
export function textIn(content: readonly LanguageModelV4Content[]): string {
  return content.map((part) => (part.type === "text" || part.type === "reasoning" ? part.text : "")).join("");
}

/** Estimates the usage of a prompt and its answer. */
export function estimateUsage(prompt: LanguageModelV4Prompt, text: string): LanguageModelV4Usage {
  const input = estimateTokens(prompt.flatMap(textsOf).join("\n"));
  const output = estimateTokens(text);
  return {
    inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: output, text: output, reasoning: 0 },
  };
}
