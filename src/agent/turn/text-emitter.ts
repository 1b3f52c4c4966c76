import { maxAnswerLength } from "../constants.ts";
import type { TurnEvent } from "../events.ts";
import type { TextChannel } from "../message/apply-frame.ts";

/** The text without a trailing half of a surrogate pair. */
function withoutTrailingSurrogate(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}

/** Emits the text of a model as it arrives: well-formed, without NUL (Postgres rejects it), and never split inside a character. */
export class TextEmitter {
  readonly #emit: (event: TurnEvent) => void;
  /** The first half of a surrogate pair whose second half has not arrived. */
  #pendingSurrogate = "";
  #channel: TextChannel = "text";
  #length = 0;
  #isParagraph = false;
  /** The text of the answer so far, without reasoning. */
  text = "";

  constructor(emit: (event: TurnEvent) => void) {
    this.#emit = emit;
  }

  /** Whether the answer reached its maximum length. */
  get isFull(): boolean {
    return this.#length >= maxAnswerLength;
  }

  /** Emits text, keeping its pieces. */
  push(channel: TextChannel, deltas: readonly string[]): void {
    if (channel !== this.#channel) this.flush();
    this.#channel = channel;
    const pieces: string[] = [];
    for (const delta of deltas) {
      const piece = this.#truncate(this.#joinSurrogates(delta));
      if (piece !== "") pieces.push(piece);
    }
    if (pieces.length > 0) this.#emit({ type: channel, pieces });
  }

  /** Says that the text from a length on was reasoning. */
  moveToReasoning(length: number): void {
    this.flush();
    if (this.text.length === length) return;
    this.#emit({ type: "text_moved", length });
    this.text = this.text.slice(0, length);
    this.startParagraph();
  }

  /** Starts a new paragraph before the next text. */
  startParagraph(): void {
    this.flush();
    this.#isParagraph = this.text !== "" && !this.text.endsWith("\n");
  }

  /** Emits the pending half of a surrogate pair as U+FFFD. */
  flush(): void {
    const left = this.#truncate(this.#pendingSurrogate.toWellFormed());
    this.#pendingSurrogate = "";
    if (left !== "") this.#emit({ type: this.#channel, pieces: [left] });
  }

  /** Prepends the pending half of a surrogate pair, and keeps back a trailing half. */
  #joinSurrogates(delta: string): string {
    const all = this.#pendingSurrogate + delta.replaceAll("\0", "");
    const whole = withoutTrailingSurrogate(all);
    this.#pendingSurrogate = all.slice(whole.length);
    return whole.toWellFormed();
  }

  /** Truncates a piece to the maximum length, and adds a blank line before a new paragraph. */
  #truncate(whole: string): string {
    if (whole === "" || this.isFull) return "";
    const piece = this.#channel === "text" && this.#isParagraph ? `\n\n${whole}` : whole;
    const room = maxAnswerLength - this.#length;
    const text = piece.length <= room ? piece : withoutTrailingSurrogate(piece.slice(0, room));
    this.#length += piece.length;
    if (text !== "" && this.#channel === "text") {
      this.#isParagraph = false;
      this.text += text;
    }
    return text;
  }
}
