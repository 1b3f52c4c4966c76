/**
 * Finds the reasoning that a model writes into its text between tags. A tag counts at the start of the text or of a line, and not in code. A
 * closing tag without an opening one ends reasoning that began with the text: some chat templates write the opening tag themselves.
 */

/** A piece of text or reasoning; `moved` says that all text so far was reasoning. */
export type SplitPiece = { type: "text" | "reasoning"; text: string } | { type: "moved" };

const opening = /^(?:<(?:think|thinking)>|\[THINK\])/i;
const closing = /^(?:<\/(?:think|thinking)>|\[\/THINK\])/i;

const tags = ["<think>", "<thinking>", "[think]", "</think>", "</thinking>", "[/think]"];
const longestTag = Math.max(...tags.map((tag) => tag.length));

/** Splits the text of one answer, which arrives in pieces. */
export class ThinkSplitter {
  /** Text that may be the start of a tag. */
  #held = "";
  #isReasoning = false;
  #hasReasoned = false;
  #isFenced = false;
  /** The start of the current line, its last character, and whether it has an odd number of backticks. */
  #lineStart = "";
  #last = "";
  #isInCode = false;
  #isAfterTag = false;

  /** The pieces of the next text. */
  push(text: string): SplitPiece[] {
    // Nearly all text has no tag.
    if (this.#held === "" && !this.#isReasoning && !this.#isAfterTag && !/[<[]/.test(text)) return this.#emit(text);
    this.#held += text;
    return this.#read(false);
  }

  /** The rest of the text. */
  end(): SplitPiece[] {
    return this.#read(true);
  }

  #read(isEnd: boolean): SplitPiece[] {
    const pieces: SplitPiece[] = [];
    while (this.#held !== "") {
      if (this.#isAfterTag) {
        this.#held = this.#held.replace(/^\s+/, "");
        if (this.#held === "") break;
        this.#isAfterTag = false;
      }
      const at = this.#held.search(/[<[]/);
      const before = at < 0 ? this.#held : this.#held.slice(0, at);
      if (before !== "") {
        pieces.push(...this.#emit(before));
        this.#held = this.#held.slice(before.length);
        continue;
      }
      const tag = this.#tagAtStart();
      if (tag === undefined && !isEnd && this.#mayBecomeTag()) break;
      if (tag === undefined) {
        pieces.push(...this.#emit(this.#held[0]!));
        this.#held = this.#held.slice(1);
        continue;
      }
      this.#held = this.#held.slice(tag.length);
      pieces.push(...this.#take(tag));
    }
    return pieces;
  }

  #take(tag: string): SplitPiece[] {
    const isClosing = closing.test(tag);
    if (isClosing && this.#isReasoning) {
      this.#isReasoning = false;
      this.#isAfterTag = true;
      this.#startLine();
      return [];
    }
    if (isClosing && !this.#hasReasoned && !this.#isQuoted()) {
      this.#hasReasoned = this.#isAfterTag = true;
      this.#startLine();
      return [{ type: "moved" }];
    }
    if (!isClosing && !this.#isReasoning && !this.#isFenced && this.#lineStart.trim() === "") {
      this.#isReasoning = this.#hasReasoned = this.#isAfterTag = true;
      return [];
    }
    return this.#emit(tag);
  }

  #tagAtStart(): string | undefined {
    return opening.exec(this.#held)?.[0] ?? closing.exec(this.#held)?.[0];
  }

  #mayBecomeTag(): boolean {
    const start = this.#held.slice(0, longestTag).toLowerCase();
    return tags.some((tag) => tag.startsWith(start));
  }

  /** Whether the current place is in code or in quotes. */
  #isQuoted(): boolean {
    return this.#isFenced || this.#isInCode || /["'“‘«(]/.test(this.#last);
  }

  #startLine(): void {
    this.#lineStart = this.#last = "";
    this.#isInCode = false;
  }

  #emit(text: string): SplitPiece[] {
    if (text === "") return [];
    if (this.#isReasoning) return [{ type: "reasoning", text }];
    for (const [index, line] of text.split("\n").entries()) {
      if (index > 0) {
        if (/^\s*(?:```|~~~)/.test(this.#lineStart)) this.#isFenced = !this.#isFenced;
        this.#startLine();
      }
      // Blanks at the start do not matter.
      if (this.#lineStart.length < 8) this.#lineStart = (this.#lineStart.trimStart() + line).slice(0, 8);
      this.#last = line.at(-1) ?? this.#last;
      if (line.includes("`") && (line.split("`").length - 1) % 2 === 1) this.#isInCode = !this.#isInCode;
    }
    return [{ type: "text", text }];
  }
}

/** Splits a whole text. */
export function splitThinking(text: string): { text: string; reasoning: string } {
  const splitter = new ThinkSplitter();
  const whole = { text: "", reasoning: "" };
  for (const piece of [...splitter.push(text), ...splitter.end()]) {
    if (piece.type === "moved") Object.assign(whole, { reasoning: whole.reasoning + whole.text, text: "" });
    else whole[piece.type] += piece.text;
  }
  return whole;
}
