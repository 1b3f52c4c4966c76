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

/** How often what was told of an answer is written down, in ms: what a crash can take. */
const flushMs = 500;

/** How long an answer may show nothing new while no tool is at work, in ms. */
const silenceMs = 30_000;

/** How long a user may think about a call of a tool, in ms. */
const approvalMs = 5 * 60_000;

/** What a running turn needs of its caller. */
export type TurnRuntime = {
  /** Publishes a frame, and persists it. */
  publish(frame: EventFrame): void;
  /**
   * Publishes more of a text of the answer: each piece is a frame of `head`, with its text and offset.
   * @param offset where the first piece begins in the whole text, in UTF-16 code units
   */
  publishText(head: Pick<TextFrame, "type" | "message_id">, offset: number, pieces: readonly string[]): void;
  /** Persists the text that was published. */
  flush(): void;
  /** Waits for a short time where clients lag behind what was published. */
  waitForSlowSockets(): Promise<void>;
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

  constructor(message: Message, runtime: TurnRuntime, run: (callbacks: TurnCallbacks) => Promise<TurnResult>) {
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
    this.done = this.#ended(turn, ticker);
  }

  async #ended(turn: Promise<TurnResult>, ticker: ReturnType<typeof setInterval>): Promise<TurnOutcome> {
    try {
      const result = await turn;
      return { ...result, isInterrupted: this.#isOverdue };
    } catch (error) {
      log("error", "A turn failed unexpectedly.", { error });
      return estimateInterruptedTurn(this.message, []);
    } finally {
      clearInterval(ticker);
      failOpenToolCalls(this.message, "The turn ended before the tool finished.");
    }
  }

  /** Ends the turn: what was said stays. */
  stop(): void {
    this.#controller.abort(new DOMException("The turn was stopped.", "AbortError"));
  }

  /** Answers whether a tool may be called. @returns whether that was asked */
  resolveApproval(callId: string, isApproved: boolean): boolean {
    const answer = this.#questions.get(callId);
    answer?.(isApproved);
    return answer !== undefined;
  }

  readonly #onEvent = (event: TurnEvent): void => {
    this.#progressedAt = Date.now();
    if ("pieces" in event) return this.#onText(event.type, event.pieces);
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

  readonly #requestApproval = async ({ call_id }: ToolCall): Promise<boolean> => {
    const { signal } = this.#controller;
    // A timer that is left set would keep the object from hibernating.
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
    const isAtWork = this.message.tools.some(({ status }) => status === "running" || status === "awaiting_approval");
    if (isAtWork || Date.now() - this.#progressedAt < silenceMs) return;
    this.#isOverdue = true;
    this.stop();
  }
}

/** Makes an answer what it was when its room went down, of what was told since it was written. */
export function replayFrames(message: Message, told: readonly { type: string; message_id?: unknown }[]): void {
  for (const frame of told) {
    if (frame.message_id === message.id && isAnswerFrame(frame)) applyFrame(message, frame);
  }
  failOpenToolCalls(message, "The server restarted before the tool finished.");
}

const answerFrameTypes: ReadonlySet<string> = new Set(["citation", "tool.started", "tool.approval_needed", "tool.finished"]);

const isAnswerFrame = (frame: { type: string }): frame is AnswerFrame => isText(frame) || answerFrameTypes.has(frame.type);
