import { log } from "../../kit/log.ts";
import {
  appendText,
  applyFrame,
  failOpenToolCalls,
  isText,
  reasoningLength,
  type AnswerFrame,
  type EventFrame,
  type TextChannel,
  type TextFrame,
} from "../message/apply-frame.ts";
import { eventToFrame } from "../message/event-frames.ts";
import { estimateInterruptedTurn, type TurnOutcome } from "./finish-turn.ts";
import type { Message, Summary, ToolCall } from "../types.ts";
import type { TurnEvent, TurnResult } from "../events.ts";
import type { TurnDeps } from "./run-turn.ts";

/** How often published text is persisted, in ms: a crash loses at most this much. */
const flushMs = 500;

/** How long an answer may show no progress while no tool runs, in ms. */
const silenceMs = 30_000;

/** How long a tool call waits for approval, in ms. */
const approvalMs = 5 * 60_000;

/** What a running turn needs from its caller. */
export type TurnRuntime = {
  /** Publishes a frame, and persists it. */
  publish(frame: EventFrame): void;
  /**
   * Publishes text of the answer: each piece becomes a frame of `head` with its text and offset.
   * @param offset the offset of the first piece in the whole text, in UTF-16 code units
   */
  publishText(head: Pick<TextFrame, "type" | "message_id">, offset: number, pieces: readonly string[]): void;
  /** Persists the text that was published. */
  flush(): void;
  /** Waits briefly if clients lag behind the published frames. */
  waitForSlowSockets(): Promise<unknown>;
  saveSummary(summary: Summary): void;
};

/** What `runTurn` calls while it runs. */
export type TurnCallbacks = Required<Pick<TurnDeps, "onEvent" | "approve" | "waitForSlowSockets" | "signal">>;

/** A running turn: its answer so far, and how a caller controls it. */
export class ActiveTurn {
  readonly message: Message;
  /** Resolves once the turn is over; never rejects. */
  readonly done: Promise<TurnOutcome>;
  #isOverdue = false;
  readonly #runtime: TurnRuntime;
  readonly #heads: Readonly<Record<TextChannel, Pick<TextFrame, "type" | "message_id">>>;
  readonly #controller = new AbortController();
  readonly #questions = new Map<string, (isApproved: boolean) => void>();
  #progressedAt = Date.now();

  /** @param requestId the request that started the turn, for the log */
  constructor(
    message: Message,
    runtime: TurnRuntime,
    run: (callbacks: TurnCallbacks) => Promise<TurnResult>,
    requestId?: string,
  ) {
    this.message = message;
    this.#runtime = runtime;
    this.#heads = {
      text: { type: "message.delta", message_id: message.id },
      reasoning: { type: "reasoning.delta", message_id: message.id },
    };
    const ticker = setInterval(() => this.#tick(), flushMs);
    const { waitForSlowSockets } = runtime;
    const { signal } = this.#controller;
    const turn = run({ onEvent: this.#onEvent, approve: this.#requestApproval, waitForSlowSockets, signal });
    this.done = this.#ended(turn, ticker, requestId);
  }

  async #ended(
    turn: Promise<TurnResult>,
    ticker: ReturnType<typeof setInterval>,
    requestId: string | undefined,
  ): Promise<TurnOutcome> {
    try {
      const result = await turn;
      return { ...result, isInterrupted: this.#isOverdue };
    } catch (error) {
      log("error", "A turn failed unexpectedly.", { request_id: requestId, error });
      return estimateInterruptedTurn(this.message, []);
    } finally {
      clearInterval(ticker);
      failOpenToolCalls(this.message, "The turn ended before the tool finished.");
    }
  }

  /** Stops the turn. The text so far stays. */
  stop(): void {
    this.#controller.abort(new DOMException("The turn was stopped.", "AbortError"));
  }

  /** Approves or denies a pending tool call. @returns false if the call is not pending */
  resolveApproval(callId: string, isApproved: boolean): boolean {
    const answer = this.#questions.get(callId);
    answer?.(isApproved);
    return answer !== undefined;
  }

  readonly #onEvent = (event: TurnEvent): void => {
    this.#progressedAt = Date.now();
    if ("pieces" in event) return this.#onText(event.type, event.pieces);
    if (event.type === "text_moved") return this.#moveText(event.length);
    if (event.type === "summarised") return this.#runtime.saveSummary(event.summary);
    const frame = eventToFrame(this.message.id, event);
    this.#runtime.publish(frame);
    applyFrame(this.message, frame);
  };

  #onText(channel: TextChannel, pieces: readonly string[]): void {
    const offset = channel === "text" ? this.message.text.length : reasoningLength(this.message);
    this.#runtime.publishText(this.#heads[channel], offset, pieces);
    appendText(this.message, channel, pieces.join(""));
  }

  /** Publishes text that turned out to be reasoning again, as reasoning. */
  #moveText(length: number): void {
    const { message } = this;
    const moved = message.text.slice(length);
    const reset = {
      type: "message.reset" as const,
      message_id: message.id,
      length,
      reasoning_length: reasoningLength(message),
    };
    this.#runtime.publish(reset);
    applyFrame(message, reset);
    this.#onText("reasoning", [moved]);
  }

  readonly #requestApproval = async ({ call_id }: ToolCall): Promise<boolean> => {
    const { signal } = this.#controller;
    // An active timer would keep the object from hibernating.
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<boolean>((resolve) => {
        this.#questions.set(call_id, resolve);
        timer = setTimeout(() => resolve(false), approvalMs);
        signal.addEventListener("abort", () => resolve(false), { once: true });
      });
    } finally {
      clearTimeout(timer);
      this.#questions.delete(call_id);
      this.#progressedAt = Date.now();
    }
  };

  #tick(): void {
    this.#runtime.flush();
    const isToolRunning = this.message.tools.some(({ status }) => status === "running" || status === "awaiting_approval");
    if (isToolRunning || Date.now() - this.#progressedAt < silenceMs) return;
    this.#isOverdue = true;
    this.stop();
  }
}

/** Restores an answer after a crash: applies the frames that were published after it was last stored. */
export function replayFrames(message: Message, frames: readonly { type: string; message_id?: unknown }[]): void {
  for (const frame of frames) {
    if (frame.message_id === message.id && isAnswerFrame(frame)) applyFrame(message, frame);
  }
  failOpenToolCalls(message, "The server restarted before the tool finished.");
}

const answerFrameTypes: ReadonlySet<string> = new Set([
  "citation",
  "message.reset",
  "tool.started",
  "tool.approval_needed",
  "tool.finished",
]);

const isAnswerFrame = (frame: { type: string }): frame is AnswerFrame => isText(frame) || answerFrameTypes.has(frame.type);
