/** A level of a list: the format of its numbers, the text around them, and the first number. */
type ListLevel = { format: string; text: string; start: number };

/** Lists and their levels have few. */
const maxLevel = 8;

const romanDigits: [value: number, digits: string][] = [
  [1_000, "M"],
  [900, "CM"],
  [500, "D"],
  [400, "CD"],
  [100, "C"],
  [90, "XC"],
  [50, "L"],
  [40, "XL"],
  [10, "X"],
  [9, "IX"],
  [5, "V"],
  [4, "IV"],
  [1, "I"],
];

/** The largest number that has Roman digits. */
const maxRoman = 3_999;

function romanOf(number: number): string {
  if (number > maxRoman) return String(number);
  let rest = number;
  let roman = "";
  for (const [value, digits] of romanDigits) for (; rest >= value; rest -= value) roman += digits;
  return roman;
}

/** The letters of a number: a to z, then aa to zz. */
function lettersOf(number: number): string {
  const repeats = Math.floor((number - 1) / 26) + 1;
  return repeats > 10 ? String(number) : String.fromCharCode(97 + ((number - 1) % 26)).repeat(repeats);
}

function formatNumber(number: number, format: string): string {
  if (number < 1) return String(number);
  if (format === "lowerLetter") return lettersOf(number);
  if (format === "upperLetter") return lettersOf(number).toUpperCase();
  if (format === "lowerRoman") return romanOf(number).toLowerCase();
  if (format === "upperRoman") return romanOf(number);
  return String(number);
}

/** The lists of a Word document, as `word/numbering.xml` defines them, and the numbers of their items so far. */
export class Numbering {
  readonly #abstract = new Map<string, Map<number, ListLevel>>();
  readonly #lists = new Map<string, string>();
  readonly #counters = new Map<string, number[]>();
  /** The definition that is being read. */
  #levels: Map<number, ListLevel> | undefined;
  #level: ListLevel | undefined;
  #listId = "";

  /** Reads an element of the definitions. */
  define(tag: string, attributes: Record<string, string>): void {
    const value = attributes["w:val"] ?? "";
    if (tag === "w:abstractNum") this.#abstract.set(attributes["w:abstractNumId"] ?? "", (this.#levels = new Map()));
    else if (tag === "w:styles" || tag === "w:document") this.#level = undefined;
    else if (tag === "w:lvl") this.#startLevel(Number(attributes["w:ilvl"]));
    else if (tag === "w:numFmt" && this.#level !== undefined) this.#level.format = value;
    else if (tag === "w:lvlText" && this.#level !== undefined) this.#level.text = value;
    else if (tag === "w:start" && this.#level !== undefined) this.#level.start = Number(value) || 0;
    else if (tag === "w:num") this.#listId = attributes["w:numId"] ?? "";
    else if (tag === "w:abstractNumId" && this.#listId !== "") this.#lists.set(this.#listId, value);
  }

  #startLevel(level: number): void {
    this.#level = { format: "decimal", text: `%${level + 1}.`, start: 1 };
    // A level in `w:num` overrides one list only, which is rare; its numbers are those of the definition.
    if (this.#listId === "") this.#levels?.set(level, this.#level);
  }

  /** The mark of the next item of a list in Markdown, with its indent: `- `, `1. `, `  a) `. */
  markOf(listId: string, level: number): string {
    const depth = Math.min(Math.max(0, level), maxLevel);
    const indent = "  ".repeat(depth);
    const definition = this.#lists.get(listId) ?? "";
    const levels = this.#abstract.get(definition);
    const own = levels?.get(depth);
    if (levels === undefined || own === undefined || own.format === "bullet") return `${indent}- `;
    if (own.format === "none") return indent;
    const counters = this.#counters.get(definition) ?? [];
    this.#counters.set(definition, counters);
    counters[depth] = (counters[depth] ?? own.start - 1) + 1;
    counters.length = depth + 1;
    const number = own.text.replaceAll(/%([1-9])/g, (_, digit: string) => {
      const at = Number(digit) - 1;
      const other = levels.get(at);
      return formatNumber(counters[at] ?? other?.start ?? 1, other?.format ?? "decimal");
    });
    return number.trim() === "" ? indent : `${indent}${number.trim()} `;
  }
}
