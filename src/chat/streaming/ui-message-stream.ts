import type { UIMessageChunk } from "ai";
import type { Citation, Message, ToolCall } from "../../agent/types.ts";
import type { RoomFrame } from "../protocol.ts";
import { failed, progress, sourceChunk, toolChunks, unfinished } from "./ui-message-chunks.ts";

/** A message of the room: a frame of its log, or a snapshot instead of missed frames. */
export type RoomFrameOrSnapshot = RoomFrame | Snapshot;

/** Replaces frames that are no longer in the log. `unavailable` if the snapshot failed. */
export type Snapshot = { type: "snapshot"; messages?: readonly Message[]; unavailable?: boolean };

type Kind = "text" | "reasoning";
type EmittedText = { type: Kind; id: string; text: string };
type EmittedPart = EmittedText | { type: "tool"; use: ToolCall } | { type: "citation"; citation: Citation };
type Ending = Pick<Message, "status" | "error"> & {
  finish_reason?: Message["finish_reason"];
  metadata: Record<string, unknown>;
};

/** The lengths of text and reasoning that a client has, if known, and its open part. */
const positionPattern = /^(\d{0,7})\.(\d{0,7})(?:\.((text|reasoning)-\d{1,7}))?$/;

/** The position of a client that received the end. */
export const endPosition = "end";

/**
 * Encodes one answer as the AI SDK's UI message stream (v1). The whole answer is one step, so that `reset-step` discards everything that
 * was sent: after the room lost the end of an answer in a crash, or when a snapshot replaces missed frames.
 */
export class UiMessageStreamEncoder {
  readonly #id: number;
  /** The parts that were sent, in order: all of them if `#isComplete`, otherwise those since the client reconnected. */
  #emitted: EmittedPart[] = [];
  #isComplete: boolean;
  #started: boolean;
  #isDone = false;
  #open: EmittedText | undefined;
  /** The length of each channel that the client has; undefined after a reconnect until the next delta. */
  #lengths: Record<Kind, number | undefined>;

  /**
   * @param messageId the ID of the answer
   * @param position for a client that reconnects: its last `position`, or empty if unknown
   */
  constructor(messageId: number, position?: string) {
    this.#id = messageId;
    this.#started = position !== undefined;
    this.#isComplete = position === undefined;
    const [, text, reasoning, id, kind] = positionPattern.exec(position ?? "0.0") ?? [];
    this.#lengths = { text: lengthIn(text), reasoning: lengthIn(reasoning) };
    if (id !== undefined) this.#open = { type: kind as Kind, id, text: "" };
  }

  /** Whether the end was sent. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The position of the client, for a reconnect. */
  get position(): string {
    if (this.#isDone) return endPosition;
    const { text = "", reasoning = "" } = this.#lengths;
    return `${text}.${reasoning}${this.#open === undefined ? "" : `.${this.#open.id}`}`;
  }

  /** The chunks before the first frame. */
  begin(): UIMessageChunk[] {
    if (this.#started) return [];
    this.#started = true;
    const messageMetadata = { status: "streaming" };
    return [{ type: "start", messageId: String(this.#id), messageMetadata }, { type: "start-step" }];
  }

  /** Encodes a frame. Frames of other messages and duplicates produce no chunks. */
  encode(frame: RoomFrameOrSnapshot): UIMessageChunk[] {
    if (this.#isDone) return [];
    if (frame.type === "snapshot") return this.#takeSnapshot(frame);
    if (frame.type === "messages.removed") {
      return frame.from_message_id <= this.#id ? this.abort("This answer was deleted.") : [];
    }
    if (frame.type === "message.created") return frame.message.id === this.#id ? this.#create() : [];
    if (!("message_id" in frame) || frame.message_id !== this.#id) return [];
    switch (frame.type) {
      case "message.delta":
        return this.#appendText("text", frame);
      case "reasoning.delta":
        return this.#appendText("reasoning", frame);
      case "message.reset":
        return this.#truncate({ text: frame.length, reasoning: frame.reasoning_length });
      case "tool.approval_needed":
        return this.#use({ ...unfinished(frame), status: "awaiting_approval" });
      case "tool.started":
        return this.#use(unfinished(frame));
      case "tool.finished": {
        const { call_id, tool, status, output, duration_ms } = frame;
        return this.#use({ call_id, tool, input: null, status, output, duration_ms });
      }
      case "citation":
        return this.#cite(frame.citation);
      case "message.completed": {
        const { usage, cost_usd, xp, memory_status, finish_reason } = frame;
        return this.#end({ status: "complete", error: null, finish_reason, metadata: { usage, cost_usd, xp, memory_status } });
      }
      case "turn.stopped":
        return this.#end({ status: "stopped", error: null, metadata: usageOf(frame.usage) });
      case "turn.failed": {
        const { status, code, detail, retryable, usage } = frame;
        return this.#end({ status, error: { code, detail, retryable }, metadata: usageOf(usage) });
      }
      case "message.updated":
      // A newer room may send frame types that this Worker does not know.
      default:
        return [];
    }
  }

  /** Encodes a whole answer, and its end if it is finished. It replaces everything that was sent before. */
  encodeWhole(message: Message): UIMessageChunk[] {
    const uses = new Map(message.tools.map((use) => [use.call_id, use]));
    const parts = message.parts.flatMap((part): EmittedPart[] => {
      if (part.type === "file") return [];
      if (part.type !== "tool") return [{ type: part.type, id: "", text: part.text }];
      const use = uses.get(part.call_id);
      return use === undefined ? [] : [{ type: "tool", use }];
    });
    const chunks = this.#replay([...parts, ...message.citations.map((citation) => ({ type: "citation" as const, citation }))]);
    const { status, error, model, memory_status, finish_reason } = message;
    if (status === "streaming") return chunks;
    return [
      ...chunks,
      ...this.#end({ status, error, finish_reason, metadata: { ...usageOf(message.usage), model, memory_status } }),
    ];
  }

  /** Ends a stream that cannot continue. @param detail the reason for users */
  abort(detail: string): UIMessageChunk[] {
    return this.#isDone ? [] : [...this.#close(), ...this.#finishStep(), ...failed(detail)];
  }

  /** Starts again for a client that reconnected with a cursor before the answer. */
  #create(): UIMessageChunk[] {
    if (this.#isComplete) return this.begin();
    this.#started = false;
    this.#isComplete = true;
    this.#open = undefined;
    this.#lengths = { text: 0, reasoning: 0 };
    return this.begin();
  }

  #takeSnapshot({ messages = [] }: Snapshot): UIMessageChunk[] {
    const message = messages.find(({ id }) => id === this.#id);
    return message === undefined
      ? this.abort("The rest of this answer cannot be streamed. Read the conversation.")
      : this.encodeWhole(message);
  }

  #appendText(kind: Kind, { offset, text }: { offset: number; text: string }): UIMessageChunk[] {
    const length = this.#lengths[kind] ?? offset;
    if (offset > length) return this.abort("Part of this answer did not arrive. Read the conversation.");
    const news = text.slice(length - offset);
    return news === "" ? [] : this.#appendDelta(kind, length, news);
  }

  #appendDelta(kind: Kind, length: number, text: string): UIMessageChunk[] {
    const chunks: UIMessageChunk[] = [];
    let part = this.#open;
    if (part?.type !== kind) {
      chunks.push(...this.#close());
      part = { type: kind, id: `${kind}-${length}`, text: "" };
      this.#open = part;
      this.#emitted.push(part);
      chunks.push({ type: `${kind}-start`, id: part.id });
    }
    if (this.#isComplete) part.text += text;
    this.#lengths[kind] = length + text.length;
    return [...chunks, { type: `${kind}-delta`, id: part.id, delta: text }];
  }

  #close(): UIMessageChunk[] {
    const open = this.#open;
    this.#open = undefined;
    return open === undefined ? [] : [{ type: `${open.type}-end`, id: open.id }];
  }

  #use(use: ToolCall): UIMessageChunk[] {
    const emitted = this.#emitted.find((part) => part.type === "tool" && part.use.call_id === use.call_id);
    const before = emitted?.type === "tool" ? emitted.use : undefined;
    if (before !== undefined && progress(before) >= progress(use)) return [];
    const now = { ...use, input: before?.input ?? use.input };
    if (emitted?.type === "tool") emitted.use = now;
    else this.#emitted.push({ type: "tool", use: now });
    return [...this.#close(), ...toolChunks(now, before?.status, this.#isComplete)];
  }

  #cite(citation: Citation): UIMessageChunk[] {
    const isEmitted = this.#emitted.some((part) => part.type === "citation" && part.citation.number === citation.number);
    if (isEmitted) return [];
    this.#emitted.push({ type: "citation", citation });
    return [sourceChunk(citation)];
  }

  /** Truncates the answer to the text that survived a crash. */
  #truncate(lengths: Record<Kind, number>): UIMessageChunk[] {
    const { text, reasoning } = this.#lengths;
    if (text === lengths.text && reasoning === lengths.reasoning) return [];
    if (!this.#isComplete) return this.abort("The end of this answer was lost in a crash. Read the conversation.");
    const remaining = { ...lengths };
    const parts = this.#emitted.map((part) => {
      if (part.type === "tool" || part.type === "citation") return part;
      const rest = part.text.slice(0, remaining[part.type]);
      remaining[part.type] -= rest.length;
      return { ...part, text: rest };
    });
    return this.#replay(parts);
  }

  /** Sends all parts again, replacing everything that was sent. The last text part stays open. */
  #replay(parts: readonly EmittedPart[]): UIMessageChunk[] {
    const chunks = this.begin();
    if (!this.#isComplete || this.#emitted.length > 0) chunks.push({ type: "reset-step" });
    this.#emitted = [];
    this.#open = undefined;
    this.#isComplete = true;
    this.#lengths = { text: 0, reasoning: 0 };
    for (const part of parts) {
      if (part.type === "tool") chunks.push(...this.#use(part.use));
      else if (part.type === "citation") chunks.push(...this.#cite(part.citation));
      else if (part.text !== "") chunks.push(...this.#appendDelta(part.type, this.#lengths[part.type]!, part.text));
    }
    return chunks;
  }

  #end({ status, error, finish_reason, metadata }: Ending): UIMessageChunk[] {
    const { code, retryable } = error ?? {};
    const messageMetadata = { status, ...metadata, ...(error === null ? {} : { code, retryable }) };
    const chunks = [...this.#close(), ...this.#finishStep()];
    if (status === "complete") return [...chunks, { type: "finish", finishReason: finish_reason ?? "stop", messageMetadata }];
    chunks.push({ type: "message-metadata", messageMetadata });
    if (status === "stopped") return [...chunks, { type: "abort", reason: "The answer was stopped." }];
    return [...chunks, ...failed(error?.detail ?? "The answer failed. Try again.")];
  }

  #finishStep(): UIMessageChunk[] {
    this.#isDone = true;
    return [{ type: "finish-step" }];
  }
}

const lengthIn = (digits: string | undefined) => (digits ? Number(digits) : undefined);

const usageOf = (usage: Message["usage"]) => (usage === null ? {} : { usage, cost_usd: usage.cost_usd });
