import type { UIMessageChunk } from "ai";
import type { Citation, ToolCall } from "../../agent/types.ts";

/** Converts parts of an answer to chunks of the AI SDK's UI message stream. */

/** The chunks of a failed answer. Clients close the stream at the first error. */
export function failed(errorText: string): UIMessageChunk[] {
  return [
    { type: "error", errorText },
    { type: "finish", finishReason: "error" },
  ];
}

type Called = { call_id: string; tool: string; input?: unknown };

/** A tool call before it ends. */
export function unfinished({ call_id, tool, input }: Called): ToolCall {
  return { call_id, tool, input, status: "running", output: null, duration_ms: null };
}

/** The progress of a tool call. A frame with no more progress is a duplicate. */
export function progress({ status }: ToolCall): number {
  return status === "awaiting_approval" ? 0 : status === "running" ? 1 : 2;
}

/** Tools run on the server. Clients do not run or know them. */
const serverTool = { providerExecuted: true, dynamic: true } as const;

/**
 * The chunks of a tool call that the client has not received.
 * @param before the last status that was sent, if any
 * @param isWhole whether the client received the stream from the start
 */
export function toolChunks(use: ToolCall, before: ToolCall["status"] | undefined, isWhole: boolean): UIMessageChunk[] {
  const { call_id: toolCallId, tool: toolName, input, status, output } = use;
  const approvalId = toolCallId;
  const chunks: UIMessageChunk[] = [];
  const isNew = before === undefined && (isWhole || status === "running" || status === "awaiting_approval");
  if (isNew) chunks.push({ type: "tool-input-available", toolCallId, toolName, input, ...serverTool });
  const asks = status === "awaiting_approval" || (status === "denied" && isNew);
  if (asks) chunks.push({ type: "tool-approval-request", approvalId, toolCallId });
  const isAnswered = status === "denied" || (before === "awaiting_approval" && status !== "awaiting_approval");
  if (isAnswered) chunks.push({ type: "tool-approval-response", approvalId, approved: status !== "denied" });
  if (status === "complete") chunks.push({ type: "tool-output-available", toolCallId, output, ...serverTool });
  if (status === "failed")
    chunks.push({ type: "tool-output-error", toolCallId, errorText: output ?? "The tool failed.", ...serverTool });
  if (status === "denied") chunks.push({ type: "tool-output-denied", toolCallId });
  return chunks;
}

/** A citation, with all its fields as metadata. */
export function sourceChunk(citation: Citation): UIMessageChunk {
  return {
    type: "source-document",
    sourceId: `citation-${citation.number}`,
    mediaType: "text/plain",
    title: citation.source,
    providerMetadata: { spiritforge: citation },
  };
}
