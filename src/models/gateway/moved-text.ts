import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";

/** The metadata of a `reasoning-start` that says: the text of the stream so far was reasoning. */
export const movedText = { spiritforge: { movedText: true } };

/** Whether a part says that the text so far was reasoning. */
export function isMovedText(part: LanguageModelV4StreamPart): boolean {
  return part.type === "reasoning-start" && part.providerMetadata?.["spiritforge"]?.["movedText"] === true;
}
