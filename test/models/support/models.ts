import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { stripSeparators } from "../../../src/models/gateway/coalesced-deltas.ts";

export const question: LanguageModelV4CallOptions = {
  prompt: [{ role: "user", content: [{ type: "text", text: "How is Zürich?" }] }],
};

/** Everything that a stream or another iterable gives. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** The text of stream parts, merged or not. */
export function textIn(parts: readonly LanguageModelV4StreamPart[]): string {
  return stripSeparators(parts.map((part) => (part.type === "text-delta" ? part.delta : "")).join(""));
}

/** The parts that a model streams. */
export async function partsOf(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions = question,
): Promise<LanguageModelV4StreamPart[]> {
  return collect((await model.doStream(options)).stream);
}
