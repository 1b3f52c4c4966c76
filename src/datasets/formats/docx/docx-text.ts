import { assertCell, assertColumns, assertDepth } from "../limits.ts";
import { Numbering } from "./numbering.ts";

type Paragraph = { text: string; style: string; list: string | undefined; level: number | undefined; isDropCap: boolean };

const newParagraph = (): Paragraph => ({ text: "", style: "", list: undefined, level: undefined, isDropCap: false });

/** Ignored elements: deleted text, fallback content and tab stop definitions. */
const unread = new Set(["w:del", "w:moveFrom", "mc:Fallback", "w:tabs"]);

/** Elements that represent one character. */
const characters = new Map([
  ["w:tab", "\t"],
  ["w:br", "\n"],
  ["w:cr", "\n"],
  ["w:noBreakHyphen", "-"],
]);

/** Extracts the text of a Word document from the XML events of its parts, styles first. Its methods throw UnreadableFileError above a limit. */
export class DocxTextExtractor {
  #out = "";
  #depth = 0;
  #unread = 0;
  #isText = false;
  /** The open paragraphs. Text boxes nest paragraphs. */
  #paragraphs: Paragraph[] = [];
  #wasListed = false;
  #isStart = true;
  #tables = 0;
  #cells: string[] = [];
  /** Length of the text in the cells. */
  #rowLength = 0;
  #wasRow = false;
  /** The style being defined; the heading levels and the list styles by style ID. */
  #styleId = "";
  #styleLevel = 0;
  readonly #levels = new Map<string, number>();
  readonly #listed = new Map<string, { list: string; level: number }>();
  readonly #numbering = new Numbering();
  /** The large first letter of the next paragraph, which is a paragraph of its own. */
  #dropCap = "";

  /** Number of open elements. */
  get depth(): number {
    return this.#depth;
  }

  /** The text since the last call. */
  take(): string {
    const out = this.#out;
    this.#out = "";
    return out;
  }

  onopentag(tag: string, attributes: Record<string, string>): void {
    // The parser takes time for each tag that grows with the number of open elements.
    assertDepth(++this.#depth);
    const value = attributes["w:val"] ?? "";
    const paragraph = this.#paragraphs.at(-1);
    if (unread.has(tag)) this.#unread++;
    if (this.#unread > 0) return;
    if (tag === "w:style") [this.#styleId, this.#styleLevel] = [attributes["w:styleId"] ?? "", 0];
    else if (tag === "w:name") this.#nameStyle(value);
    else if (tag === "w:p") this.#paragraphs.push(newParagraph());
    else if (tag === "w:pStyle" && paragraph !== undefined) paragraph.style = value;
    else if (tag === "w:numId" && paragraph !== undefined) paragraph.list = value;
    else if (tag === "w:ilvl" && paragraph !== undefined) paragraph.level = Number(value) || 0;
    else if (tag === "w:framePr" && paragraph !== undefined)
      paragraph.isDropCap = /^(?:drop|margin)$/.test(attributes["w:dropCap"] ?? "");
    else if (tag === "w:numId" && this.#styleId !== "")
      this.#listed.set(this.#styleId, { list: value, level: this.#styleLevel });
    else if (tag === "w:ilvl" && this.#styleId !== "") this.#styleLevel = Number(value) || 0;
    else if (tag === "w:t") this.#isText = true;
    else if (tag === "w:tbl") this.#tables++;
    else if (tag === "w:tr" && this.#tables === 1) [this.#cells, this.#rowLength] = [[], 0];
    else if (tag === "w:tc" && this.#tables === 1) assertColumns(this.#cells.push(""));
    else if (paragraph !== undefined) paragraph.text += characters.get(tag) ?? "";
    else this.#numbering.define(tag, attributes);
  }

  ontext(text: string): void {
    const paragraph = this.#paragraphs.at(-1);
    if (!this.#isText || this.#unread > 0 || paragraph === undefined) return;
    paragraph.text += text;
    assertCell(paragraph.text.length, "a paragraph");
  }

  onclosetag(tag: string): void {
    this.#depth--;
    if (unread.has(tag)) this.#unread--;
    else if (this.#unread > 0) return;
    else if (tag === "w:t") this.#isText = false;
    else if (tag === "w:style") this.#styleId = "";
    else if (tag === "w:p") this.#endParagraph();
    else if (tag === "w:tbl") this.#endTable();
    else if (tag === "w:tr" && this.#tables === 1) this.#endRow();
  }

  #nameStyle(name: string): void {
    const level = name.toLowerCase() === "title" ? 1 : Number(/^heading ([1-6])$/i.exec(name)?.[1]);
    if (this.#styleId !== "" && level > 0) this.#levels.set(this.#styleId, level);
  }

  #endParagraph(): void {
    const { text, style, list, level: ownLevel, isDropCap } = this.#paragraphs.pop() ?? newParagraph();
    if (isDropCap && this.#tables === 0) {
      this.#dropCap += text.trim();
      return;
    }
    const content = (this.#dropCap + text).trim();
    this.#dropCap = "";
    if (content === "") return;
    if (this.#tables > 0) {
      const cell = `${this.#cells.pop() ?? ""} ${content.replaceAll("\n", " ")}`;
      this.#cells.push(cell);
      this.#rowLength += content.length;
      assertCell(this.#rowLength, "a table row");
      return;
    }
    const level = this.#levels.get(style);
    const styled = this.#listed.get(style);
    const listId = list ?? styled?.list ?? "0";
    const isListed = listId !== "0";
    const mark = isListed ? this.#numbering.markOf(listId, ownLevel ?? styled?.level ?? 0) : "";
    const isItem = level === undefined && isListed;
    const lead = level === undefined ? mark : `${"#".repeat(level)} ${mark.trim().replace(/^-$/, "")} `.replace(/ +$/, " ");
    this.#write(`${lead}${content}\n`, isItem && this.#wasListed);
    this.#wasListed = isItem;
  }

  /** Writes a line after a blank line, except for the first line and for following list items. */
  #write(line: string, follows: boolean): void {
    this.#out += (follows || this.#isStart ? "" : "\n") + line;
    this.#isStart = false;
  }

  #endRow(): void {
    this.#write(`${this.#cells.map((cell) => cell.trim()).join(" | ")}\n`, this.#wasRow);
    this.#wasRow = true;
  }

  #endTable(): void {
    this.#wasRow = false;
    this.#tables--;
    this.#wasListed = false;
  }
}
