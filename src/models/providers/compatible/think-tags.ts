import type { LanguageModelV4, LanguageModelV4Content, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { deltaSeparator, splitDeltas } from "../../gateway/coalesced-deltas.ts";
import { movedText } from "../../gateway/moved-text.ts";
import { splitThinking, ThinkSplitter, type SplitPiece } from "./think-splitter.ts";

/** A model whose reasoning between tags in its text becomes reasoning. */
export function withThinkTags(model: LanguageModelV4): LanguageModelV4 {
  const { specificationVersion, provider, modelId, supportedUrls } = model;
  return {
    specificationVersion,
    provider,
    modelId,
    supportedUrls,
    async doGenerate(options) {
      const result = await model.doGenerate(options);
      return { ...result, content: result.content.flatMap(splitContent) };
    },
    async doStream(options) {
      const result = await model.doStream(options);
      return { ...result, stream: result.stream.pipeThrough(splitStream()) };
    },
  };
}

function splitContent(part: LanguageModelV4Content): LanguageModelV4Content[] {
  if (part.type !== "text" || !/[>\]]/.test(part.text)) return [part];
  const { text, reasoning } = splitThinking(part.text);
  if (reasoning === "" && text === part.text) return [part];
  const thought: LanguageModelV4Content[] = reasoning.trim() === "" ? [] : [{ type: "reasoning", text: reasoning }];
  return [...thought, { ...part, text }];
}

type Part = LanguageModelV4StreamPart;

function splitStream(): TransformStream<Part, Part> {
  const splitter = new ThinkSplitter();
  const id = "think";
  let isOpen = false;
  const close = (): Part[] => {
    const parts: Part[] = isOpen ? [{ type: "reasoning-end", id }] : [];
    isOpen = false;
    return parts;
  };
  const open = (): Part[] => {
    const parts: Part[] = isOpen ? [] : [{ type: "reasoning-start", id }];
    isOpen = true;
    return parts;
  };
  /** The parts for pieces; those of one type that arrived together stay together. */
  function partsFor(pieces: readonly SplitPiece[], textId: string): Part[] {
    const parts: Part[] = [];
    for (const piece of pieces) {
      const last = parts.at(-1);
      if (piece.type === "moved")
        parts.push(...close(), { type: "reasoning-start", id, providerMetadata: movedText }, { type: "reasoning-end", id });
      else if (piece.type === "reasoning") {
        if (last?.type === "reasoning-delta") last.delta += deltaSeparator + piece.text;
        else parts.push(...open(), { type: "reasoning-delta", id, delta: piece.text });
      } else if (last?.type === "text-delta") last.delta += deltaSeparator + piece.text;
      else parts.push(...close(), { type: "text-delta", id: textId, delta: piece.text });
    }
    return parts;
  }
  function split(part: Part): Part[] {
    if (part.type === "text-end") return [...partsFor(splitter.end(), part.id), ...close(), part];
    if (part.type !== "text-delta") return [part];
    const deltas = splitDeltas(part.delta);
    const pieces = deltas.flatMap((delta) => splitter.push(delta));
    // Text without a tag passes as it is.
    const isText =
      pieces.length === deltas.length && pieces.every((piece, at) => piece.type === "text" && piece.text === deltas[at]);
    return isText && !isOpen ? [part] : partsFor(pieces, part.id);
  }
  return new TransformStream<Part, Part>({
    transform(part, controller) {
      for (const each of split(part)) controller.enqueue(each);
    },
  });
}
