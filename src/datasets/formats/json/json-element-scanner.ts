import { assertDepth } from "../limits.ts";
import { UnreadableFileError } from "../types.ts";

/** Keys under which an object may have an array of records. */
const containers = new Set(["data", "rows", "examples", "records", "items", "samples", "train", "validation", "test"]);

const opening: Record<string, string> = { "]": "[", "}": "{" };

/**
 * Extracts the elements of a JSON document as a stream, by brackets and strings only. `JSON.parse` validates each element,
 * so an invalid element does not affect the others.
 */
export class JsonScanner {
  readonly #element: BoundedBuffer;
  /** The whole document, while it may be a single record. */
  readonly #whole: BoundedBuffer;
  /** The last string directly inside the outermost object: the key of the following array. */
  readonly #name = new BoundedBuffer(100);
  readonly #brackets: string[] = [];
  /** Number of open brackets around an element; 0 outside arrays of elements. */
  #depth = 0;
  #isInText = false;
  #isEscaped = false;
  #isOver = false;
  #hasElements = false;

  /** The last token outside of strings. */
  #last = "";

  /** @param maxLength of an element, and of a whole document without elements */
  constructor(maxLength: number, maxWholeLength: number) {
    this.#element = new BoundedBuffer(maxLength);
    this.#whole = new BoundedBuffer(maxWholeLength);
  }

  /** The elements that end in this chunk; null for a too long element. */
  *push(chunk: string): Generator<string | null> {
    let start = 0;
    for (let at = 0; at < chunk.length;) {
      if (this.#isInText) {
        at = this.#skipText(chunk, at);
        continue;
      }
      const mark = this.#nextMark(chunk, at);
      if (mark === chunk.length) break;
      at = mark + 1;
      const character = chunk[mark]!;
      const closes = this.#depth > 0 && this.#brackets.length === this.#depth && "]},".includes(character);
      if (closes) {
        this.#element.add(chunk.slice(start, mark));
        yield* this.#takeElement(character !== ",");
      }
      this.#last = character;
      if (this.#handleToken(character) || closes) start = at;
    }
    if (this.#depth > 0) this.#element.add(chunk.slice(start));
    if (!this.#hasElements) this.#whole.add(chunk);
  }

  /** The whole document if it has no elements; null if it is too long. */
  end(): string | null | undefined {
    if (!this.#isOver) throw new UnreadableFileError("ends in the middle of its JSON. It may be truncated.");
    return this.#hasElements ? undefined : this.#whole.take();
  }

  /** Skips the part of a string in this chunk. @returns the next position */
  #skipText(chunk: string, at: number): number {
    for (let index = at; index < chunk.length; index++) {
      const code = chunk.charCodeAt(index);
      if (this.#isEscaped) this.#isEscaped = false;
      else if (code === backslash) this.#isEscaped = true;
      else if (code === quote) {
        this.#isInText = false;
        this.#name.add(chunk.slice(at, index));
        return index + 1;
      }
    }
    this.#name.add(chunk.slice(at));
    return chunk.length;
  }

  /** The position of the next token; the length of the chunk if there is none. */
  #nextMark(chunk: string, at: number): number {
    let index = at;
    if (this.#brackets.length > 0) {
      while (index < chunk.length && !marks.has(chunk.charCodeAt(index))) index++;
      return index;
    }
    while (index < chunk.length && chunk[index]!.trim() === "") index++;
    if (index === chunk.length) return index;
    if (this.#isOver) throw new UnreadableFileError("has text after the end of its JSON.");
    if (!"[{".includes(chunk[index]!)) throw new UnreadableFileError("is not a JSON array or object.");
    return index;
  }

  /** Handles a token. @returns whether elements start after it */
  #handleToken(character: string): boolean {
    if (character === '"') {
      this.#isInText = true;
      this.#name.take();
    } else if (character === "[" || character === "{") {
      assertDepth(this.#brackets.push(character));
      return character === "[" && this.#startsElements();
    } else if (character !== ",") {
      if (this.#brackets.pop() !== opening[character])
        throw new UnreadableFileError(`has a ${character} without an opening bracket.`);
      if (this.#brackets.length < this.#depth) this.#depth = 0;
      this.#isOver = this.#brackets.length === 0;
    }
    return false;
  }

  #startsElements(): boolean {
    const brackets = this.#brackets.length > 2 ? "" : this.#brackets.join("");
    const isOutermost = brackets === "[";
    const isNamed = brackets === "{[" && containers.has(this.#name.take()?.toLowerCase() ?? "");
    if (!isOutermost && !isNamed) return false;
    this.#depth = this.#brackets.length;
    this.#hasElements = true;
    this.#whole.take();
    return true;
  }

  /** The current element; none in an empty array. A comma before the closing bracket gives an empty element, which is not valid. */
  *#takeElement(isLast: boolean): Generator<string | null> {
    const text = this.#element.take();
    if (text === null || !isBlank(text) || !isLast || this.#last === ",") yield text;
  }
}

const marks = new Set(Array.from('"[]{},', (mark) => mark.charCodeAt(0)));
const quote = 0x22;
const backslash = 0x5c;

/** Whether a text has only the white space of JSON. */
const isBlank = (text: string): boolean => /^[ \t\r\n]*$/.test(text);

/** Collects text pieces up to a maximum length. */
class BoundedBuffer {
  readonly #maxLength: number;
  #pieces: string[] = [];
  #length = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  add(piece: string): void {
    this.#length += piece.length;
    if (this.#length <= this.#maxLength) this.#pieces.push(piece);
    else this.#pieces = [];
  }

  /** Returns the text, or null if it was too long, and resets the buffer. */
  take(): string | null {
    const text = this.#length <= this.#maxLength ? this.#pieces.join("") : null;
    this.#pieces = [];
    this.#length = 0;
    return text;
  }
}
