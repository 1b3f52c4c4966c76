import type { UIMessageChunk } from "ai";
import type { Citation, Message, ToolCall } from "../../agent/types.ts";
import type { RoomFrame } from "../protocol.ts";
import { failed, progress, sourceChunk, toolChunks, unfinished } from "./ui-message-chunks.ts";

/** What a room says, as a client of its socket receives it: its log's frames, or how things stand in their place. */
export type RoomFrameOrSnapshot = RoomFrame | Snapshot;

/** Where the log no longer reaches; `unavailable` where not even this could be had. */
export type Snapshot = { type: "snapshot"; messages?: readonly Message[]; unavailable?: boolean };

type Kind = "text" | "reasoning";
type Written = { type: Kind; id: string; text: string };
type Told = Written | { type: "tool"; use: ToolCall } | { type: "citation"; citation: Citation };
type Ending = Pick<Message, "status" | "error"> & { metadata: Record<string, unknown> };

/** How much text and how much thought a client has, where that is known, and which part it holds open. */
const positionPattern = /^(\d{0,7})\.(\d{0,7})(?:\.((text|reasoning)-\d{1,7}))?$/;

/** The place of a client that was told the end. */
export const endPosition = "end";

/**
 * One answer, told as the AI SDK's UI message stream (v1). The whole answer is one step of it, so that `reset-step` takes back all
 * that was told: where a room lost the end of an answer in a crash, or where frames were missed and a snapshot stands for them.
 */
export class UiMessageStreamEncoder {
  readonly #id: number;
  /** What the client was told, in order: all of it where `#isWhole`, or what it was told since it came back. */
  #emitted: Told[] = [];
  #isComplete: boolean;
  #started: boolean;
  #isDone = false;
  #open: Written | undefined;
  /** How much of each kind the client has; undefined where it came back, until the next stretch says so. */
  #lengths: Record<Kind, number | undefined>;

  /**
   * @param messageId the answer
   * @param place for a client that comes back: its `place` when it left, or an empty one where it does not say
   */
  constructor(messageId: number, place?: string) {
    this.#id = messageId;
    this.#started = place !== undefined;
    this.#isComplete = place === undefined;
    const [, text, reasoning, id, kind] = positionPattern.exec(place ?? "0.0") ?? [];
    this.#lengths = { text: lengthIn(text), reasoning: lengthIn(reasoning) };
    if (id !== undefined) this.#open = { type: kind as Kind, id, text: "" };
  }

  /** Whether all is told. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Where a client stands, for when it comes back. */
  get position(): string {
    if (this.#isDone) return endPosition;
    const { text = "", reasoning = "" } = this.#lengths;
    return `${text}.${reasoning}${this.#open === undefined ? "" : `.${this.#open.id}`}`;
  }

  /** What is told before anything is heard. */
  begin(): UIMessageChunk[] {
    if (this.#started) return [];
    this.#started = true;
    const messageMetadata = { status: "streaming" };
    return [{ type: "start", messageId: String(this.#id), messageMetadata }, { type: "start-step" }];
  }

  /** What a frame makes of the answer. Frames of other messages, and those that tell again what was told, make nothing of it. */
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
        return this.#cut({ text: frame.length, reasoning: frame.reasoning_length });
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
        const { usage, cost_usd, xp, memory_status } = frame;
        return this.#end({ status: "complete", error: null, metadata: { usage, cost_usd, xp, memory_status } });
      }
      case "turn.stopped":
        return this.#end({ status: "stopped", error: null, metadata: usageOf(frame.usage) });
      case "turn.failed": {
        const { status, code, detail, retryable, usage } = frame;
        return this.#end({ status, error: { code, detail, retryable }, metadata: usageOf(usage) });
      }
      case "message.updated":
      // Nor does a Worker know what a room says that is newer than it.
      default:
        return [];
    }
  }

  /** The whole of an answer as it stands, and its end if it has one. What was told before is taken back. */
  encodeWhole(message: Message): UIMessageChunk[] {
    const uses = new Map(message.tools.map((use) => [use.call_id, use]));
    const parts = message.parts.flatMap((part): Told[] => {
      if (part.type === "file") return [];
      if (part.type !== "tool") return [{ type: part.type, id: "", text: part.text }];
      const use = uses.get(part.call_id);
      return use === undefined ? [] : [{ type: "tool", use }];
    });
    const chunks = this.#replay([...parts, ...message.citations.map((citation) => ({ type: "citation" as const, citation }))]);
    const { status, error, model, memory_status } = message;
    if (status === "streaming") return chunks;
    return [...chunks, ...this.#end({ status, error, metadata: { ...usageOf(message.usage), model, memory_status } })];
  }

  /** The end of an answer that cannot be told further. @param detail says why, to people */
  abort(detail: string): UIMessageChunk[] {
    return this.#isDone ? [] : [...this.#close(), ...this.#finishStep(), ...failed(detail)];
  }

  /** A client that came back from before the answer was begun has none of it. */
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
    return news === "" ? [] : this.#write(kind, length, news);
  }

  #write(kind: Kind, length: number, text: string): UIMessageChunk[] {
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
    const told = this.#emitted.find((part) => part.type === "tool" && part.use.call_id === use.call_id);
    const before = told?.type === "tool" ? told.use : undefined;
    if (before !== undefined && progress(before) >= progress(use)) return [];
    const now = { ...use, input: before?.input ?? use.input };
    if (told?.type === "tool") told.use = now;
    else this.#emitted.push({ type: "tool", use: now });
    return [...this.#close(), ...toolChunks(now, before?.status, this.#isComplete)];
  }

  #cite(citation: Citation): UIMessageChunk[] {
    const isTold = this.#emitted.some((part) => part.type === "citation" && part.citation.number === citation.number);
    if (isTold) return [];
    this.#emitted.push({ type: "citation", citation });
    return [sourceChunk(citation)];
  }

  /** Takes back what a room lost. */
  #cut(kept: Record<Kind, number>): UIMessageChunk[] {
    const { text, reasoning } = this.#lengths;
    if (text === kept.text && reasoning === kept.reasoning) return [];
    if (!this.#isComplete) return this.abort("The end of this answer was lost in a crash. Read the conversation.");
    const left = { ...kept };
    const parts = this.#emitted.map((part) => {
      if (part.type === "tool" || part.type === "citation") return part;
      const rest = part.text.slice(0, left[part.type]);
      left[part.type] -= rest.length;
      return { ...part, text: rest };
    });
    return this.#replay(parts);
  }

  /** Tells all from the beginning, in place of what was told. The last text stays open. */
  #replay(parts: readonly Told[]): UIMessageChunk[] {
    const chunks = this.begin();
    if (!this.#isComplete || this.#emitted.length > 0) chunks.push({ type: "reset-step" });
    this.#emitted = [];
    this.#open = undefined;
    this.#isComplete = true;
    this.#lengths = { text: 0, reasoning: 0 };
    for (const part of parts) {
      if (part.type === "tool") chunks.push(...this.#use(part.use));
      else if (part.type === "citation") chunks.push(...this.#cite(part.citation));
      else if (part.text !== "") chunks.push(...this.#write(part.type, this.#lengths[part.type]!, part.text));
    }
    return chunks;
  }

  #end({ status, error, metadata }: Ending): UIMessageChunk[] {
    const { code, retryable } = error ?? {};
    const messageMetadata = { status, ...metadata, ...(error === null ? {} : { code, retryable }) };
    const chunks = [...this.#close(), ...this.#finishStep()];
    if (status === "complete") return [...chunks, { type: "finish", finishReason: "stop", messageMetadata }];
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
