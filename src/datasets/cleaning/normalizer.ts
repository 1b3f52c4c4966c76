import type { WorkMeter } from "../../kit/async/work-meter.ts";
import { normalise } from "../formats/text/normalize.ts";

/** Characters that are normalized at once. Some texts take a microsecond for each. */
const pieceLength = 4_096;

/** The work on a text beside that on its characters. */
const unitsPerText = 50;

/** The work on a character: little on ASCII, more on others. */
const unitsPerCharacter = { ascii: 2, other: 15 };

/** Normalizes the texts of rows, long ones piece by piece. */
export class Normalizer {
  readonly #work: WorkMeter;

  constructor(work: WorkMeter) {
    this.#work = work;
  }

  /** Normalizes a text as `normalise` does. A run of more than 4,096 characters without a place to split it may keep a fault there. */
  async text(text: string): Promise<string> {
    const normal: string[] = [];
    for (let start = 0; start < text.length;) {
      const end = text.length - start <= 2 * pieceLength ? text.length : pieceEnd(text, start + pieceLength);
      const piece = text.slice(start, end);
      await this.#work.spend(
        unitsPerText + piece.length * (isAscii.test(piece) ? unitsPerCharacter.ascii : unitsPerCharacter.other),
      );
      normal.push(normalise(piece));
      start = end;
    }
    return normal.join("");
  }

  /** Normalizes the keys and the texts of a record. */
  async record(record: Record<string, unknown>): Promise<Record<string, unknown>> {
    const entries: [string, unknown][] = [];
    for (const [key, value] of Object.entries(record)) entries.push([await this.text(key), await this.#value(value)]);
    return Object.fromEntries(entries);
  }

  async #value(value: unknown): Promise<unknown> {
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (!Array.isArray(value)) return this.record(value as Record<string, unknown>);
    const values: unknown[] = [];
    for (const each of value) values.push(await this.#value(each));
    return values;
  }
}

// oxlint-disable-next-line no-control-regex -- the range of ASCII starts with them
const isAscii = /^[\0-\x7f]*$/;

/** Two neighbors that normalization never joins, moves or removes: visible ASCII characters, or CJK ideographs. */
const separable = /(?<=[!-~])[!-~]|(?<=[\u4e00-\u9fff])[\u4e00-\u9fff]/g;

/** The first position from `at` where a text can be split, within the length of a piece. */
function pieceEnd(text: string, at: number): number {
  separable.lastIndex = 1;
  const found = separable.exec(text.slice(at - 1, at + pieceLength));
  return found === null ? at + pieceLength : at - 1 + found.index;
}
