import type { TurnEvent } from "../events.ts";
import type { ToolCall } from "../types.ts";
import type { EventFrame } from "./apply-frame.ts";

/** An event of a turn that becomes one frame. Text becomes several frames, and a summary none. */
export type FrameEvent = Exclude<TurnEvent, { pieces: unknown } | { summary: unknown } | { type: "text_moved" }>;

/** The frame that is sent to clients for an event. */
export function eventToFrame(message_id: number, event: FrameEvent): EventFrame {
  switch (event.type) {
    case "citation":
      return { type: "citation", message_id, citation: event.citation };
    case "tool_started":
      return { type: "tool.started", message_id, ...toolCallFields(event.use) };
    case "approval_needed":
      return { type: "tool.approval_needed", message_id, ...toolCallFields(event.use) };
    case "tool_finished":
    default:
      return finishedFrame(message_id, event.use);
  }
}

const toolCallFields = ({ call_id, tool, input }: ToolCall) => ({ call_id, tool, input });

/** The frame of a finished tool call. @throws RangeError if the call is not finished */
function finishedFrame(
  message_id: number,
  { call_id, tool, status, output, duration_ms }: ToolCall,
): Extract<EventFrame, { type: "tool.finished" }> {
  if (status === "running" || status === "awaiting_approval") throw new RangeError(`${tool} is ${status}.`);
  return { type: "tool.finished", message_id, call_id, tool, status, output: output ?? "", duration_ms: duration_ms ?? 0 };
}
