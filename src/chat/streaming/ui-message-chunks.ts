import type { UIMessageChunk } from "ai";
import type { Citation, ToolCall } from "../../agent/types.ts";

/** Chunks of the AI SDK's UI message stream that stand for one thing of ours. */

/** Clients leave a stream at its first error. */
export function failed(errorText: string): UIMessageChunk[] {
  return [
    { type: "error", errorText },
    { type: "finish", finishReason: "error" },
  ];
}

type Called = { call_id: string; tool: string; input?: unknown };

/** A call as it is before it ends. */
export function unfinished({ call_id, tool, input }: Called): ToolCall {
  return { call_id, tool, input, status: "running", output: null, duration_ms: null };
}

/** How far a call is: what tells of less, tells again what was told. */
export function progress({ status }: ToolCall): number {
  return status === "awaiting_approval" ? 0 : status === "running" ? 1 : 2;
}

/** Its tools run with us: clients are to run none, and do not know which there are. */
const ours = { providerExecuted: true, dynamic: true } as const;

/**
 * A tool that was called, from what was told of it on.
 * @param before what was told last, if it was told of
 * @param isWhole whether a client that was told nothing knows nothing
 */
export function toolChunks(use: ToolCall, before: ToolCall["status"] | undefined, isWhole: boolean): UIMessageChunk[] {
  const { call_id: toolCallId, tool: toolName, input, status, output } = use;
  const approvalId = toolCallId;
  const chunks: UIMessageChunk[] = [];
  const isNew = before === undefined && (isWhole || status === "running" || status === "awaiting_approval");
  if (isNew) chunks.push({ type: "tool-input-available", toolCallId, toolName, input, ...ours });
  const asks = status === "awaiting_approval" || (status === "denied" && isNew);
  if (asks) chunks.push({ type: "tool-approval-request", approvalId, toolCallId });
  const isAnswered = status === "denied" || (before === "awaiting_approval" && status !== "awaiting_approval");
  if (isAnswered) chunks.push({ type: "tool-approval-response", approvalId, approved: status !== "denied" });
  if (status === "complete") chunks.push({ type: "tool-output-available", toolCallId, output, ...ours });
  if (status === "failed")
    chunks.push({ type: "tool-output-error", toolCallId, errorText: output ?? "The tool failed.", ...ours });
  if (status === "denied") chunks.push({ type: "tool-output-denied", toolCallId });
  return chunks;
}

/** A passage that the answer cites; all that we know of it goes along. */
export function sourceChunk(citation: Citation): UIMessageChunk {
  return {
    type: "source-document",
    sourceId: `citation-${citation.number}`,
    mediaType: "text/plain",
    title: citation.source,
    providerMetadata: { spiritforge: citation },
  };
}
