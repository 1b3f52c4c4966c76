import { maxAnswerLength } from "../constants.ts";
import type { TurnEvent } from "../events.ts";
import type { TextChannel } from "../message/apply-frame.ts";

/** A text as far as its last whole character. */
function ofWholeCharacters(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}

/** What a model says in a turn, told as it comes: well-formed, without the NUL that Postgres refuses, and never cut within a character. */
export class TextEmitter {
  readonly #tell: (event: TurnEvent) => void;
  /** The first half of a character whose second has not come. */
  #pendingSurrogate = "";
  #channel: TextChannel = "text";
  #length = 0;
  #isParagraph = false;
  /** What was said aloud. */
  text = "";

  constructor(tell: (event: TurnEvent) => void) {
    this.#tell = tell;
  }

  /** Whether it is as long as an answer can be. */
  get isFull(): boolean {
    return this.#length >= maxAnswerLength;
  }

  /** Says what came, each piece for itself. */
  push(channel: TextChannel, deltas: readonly string[]): void {
    if (channel !== this.#channel) this.flush();
    this.#channel = channel;
    const pieces: string[] = [];
    for (const delta of deltas) {
      const piece = this.#truncate(this.#joinSurrogates(delta));
      if (piece !== "") pieces.push(piece);
    }
    if (pieces.length > 0) this.#tell({ type: channel, pieces });
  }

  /** What is said aloud next is a paragraph of its own. */
  startParagraph(): void {
    this.flush();
    this.#isParagraph = this.text !== "" && !this.text.endsWith("\n");
  }

  /** Says what is left: half a character that stays one. */
  flush(): void {
    const left = this.#truncate(this.#pendingSurrogate.toWellFormed());
    this.#pendingSurrogate = "";
    if (left !== "") this.#tell({ type: this.#channel, pieces: [left] });
  }

  /** A piece with the half that was left before it, and without the one that is left of it. */
  #joinSurrogates(delta: string): string {
    const all = this.#pendingSurrogate + delta.replaceAll("\0", "");
    const whole = ofWholeCharacters(all);
    this.#pendingSurrogate = all.slice(whole.length);
    return whole.toWellFormed();
  }

  /** As much of a piece as an answer has room for, with the break before it if it begins a paragraph. */
  #truncate(whole: string): string {
    if (whole === "" || this.isFull) return "";
    const begun = this.#channel === "text" && this.#isParagraph ? `\n\n${whole}` : whole;
    const room = maxAnswerLength - this.#length;
    const text = begun.length <= room ? begun : ofWholeCharacters(begun.slice(0, room));
    this.#length += begun.length;
    if (text !== "" && this.#channel === "text") {
      this.#isParagraph = false;
      this.text += text;
    }
    return text;
  }
}
