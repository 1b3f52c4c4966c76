import { Buffer } from "node:buffer";
import type { LanguageModelV4Content, LanguageModelV4Prompt, LanguageModelV4Usage } from "@ai-sdk/provider";

/** Bytes of UTF-8 that a token stands for, on the average of common tokenizers and languages. */
export const bytesPerToken = 4;

/** About how many tokens a text is, where no tokenizer says: a quarter of its bytes in UTF-8. */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / bytesPerToken);
}

/** The text of a message of a prompt, part by part. */
export function textsOf({ content }: LanguageModelV4Prompt[number]): string[] {
  return typeof content === "string" ? [content] : content.flatMap((part) => (part.type === "text" ? [part.text] : []));
}

/** What a model said, its thoughts among it. */
export function textIn(content: readonly LanguageModelV4Content[]): string {
  return content.map((part) => (part.type === "text" || part.type === "reasoning" ? part.text : "")).join("");
}

/** About what a prompt and the text that answers it come to, where no vendor says. */
export function estimateUsage(prompt: LanguageModelV4Prompt, text: string): LanguageModelV4Usage {
  const input = estimateTokens(prompt.flatMap(textsOf).join("\n"));
  const output = estimateTokens(text);
  return {
    inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: output, text: output, reasoning: 0 },
  };
}
