import { log } from "../../kit/log.ts";
import { applyFrame, endTools, frameOf, isText, type AnswerFrame } from "../message/apply-frame.ts";
import { brokenOff, type Ending } from "./finish-turn.ts";
import type { Message, ToolUse } from "../types.ts";
import type { Summary, TurnEvent, TurnResult } from "../events.ts";

/** How often what was told of an answer is written down, in ms: what a crash can take. */
const flushMs = 500;

/** How long an answer may show nothing new while no tool is at work, in ms. */
const silenceMs = 30_000;

/** How long a user may think about a call of a tool, in ms. */
const approvalMs = 5 * 60_000;

/** What a room does for the turn that it has under way. */
export type Stage = {
  /** Tells everybody, and keeps it. @param pieces of a text, each of which is a frame for itself */
  tell(frame: AnswerFrame, pieces: readonly string[]): void;
  /** Writes down what was told. */
  flush(): void;
  keepSummary(summary: Summary): void;
};

/** What a turn is given to tell, and to ask. */
export type Line = { on(event: TurnEvent): void; approve(use: ToolUse): Promise<boolean>; signal: AbortSignal };

/** A turn under way: its answer as far as it is, and what can be said to it from outside. */
export class Answering {
  readonly message: Message;
  /** Resolves once the turn is over; never rejects. */
  readonly done: Promise<Ending>;
  #isOverdue = false;
  readonly #stage: Stage;
  readonly #controller = new AbortController();
  readonly #questions = new Map<string, (isApproved: boolean) => void>();
  #progressedAt = Date.now();

  constructor(message: Message, stage: Stage, run: (line: Line) => Promise<TurnResult>) {
    this.message = message;
    this.#stage = stage;
    const on = (event: TurnEvent) => this.#hear(event);
    const approve = (use: ToolUse) => this.#ask(use);
    const beat = setInterval(() => this.#beat(), flushMs);
    this.done = this.#ended(run({ on, approve, signal: this.#controller.signal }), beat);
  }

  async #ended(turn: Promise<TurnResult>, beat: ReturnType<typeof setInterval>): Promise<Ending> {
    try {
      const result = await turn;
      return { ...result, isInterrupted: this.#isOverdue };
    } catch (error) {
      log("error", "A turn broke.", { error });
      return brokenOff(this.message, []);
    } finally {
      clearInterval(beat);
      endTools(this.message, "The turn ended before it was done.");
    }
  }

  /** Ends the turn: what was said stays. */
  stop(): void {
    this.#controller.abort(new DOMException("The turn was stopped.", "AbortError"));
  }

  /** Answers whether a tool may be called. @returns whether that was asked */
  decide(callId: string, isApproved: boolean): boolean {
    const answer = this.#questions.get(callId);
    answer?.(isApproved);
    return answer !== undefined;
  }

  #hear(event: TurnEvent): void {
    this.#progressedAt = Date.now();
    if (event.type === "summarised") return this.#stage.keepSummary(event.summary);
    const frame = frameOf(this.message, event);
    this.#stage.tell(frame, "pieces" in event ? event.pieces : []);
    applyFrame(this.message, frame);
  }

  async #ask({ call_id }: ToolUse): Promise<boolean> {
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
  }

  #beat(): void {
    this.#stage.flush();
    const isAtWork = this.message.tools.some(({ status }) => status === "running" || status === "awaiting_approval");
    if (isAtWork || Date.now() - this.#progressedAt < silenceMs) return;
    this.#isOverdue = true;
    this.stop();
  }
}

/** Makes an answer what it was when its room went down, of what was told since it was written. */
export function recover(message: Message, told: readonly { type: string; message_id?: unknown }[]): void {
  for (const frame of told) {
    if (frame.message_id === message.id && isAnswerFrame(frame)) applyFrame(message, frame);
  }
  endTools(message, "The room went down before it was done.");
}

const told: ReadonlySet<string> = new Set(["citation", "tool.started", "tool.approval_needed", "tool.finished"]);

const isAnswerFrame = (frame: { type: string }): frame is AnswerFrame => isText(frame) || told.has(frame.type);
