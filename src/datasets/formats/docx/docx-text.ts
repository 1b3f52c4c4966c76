type Paragraph = { text: string; style: string; isListed: boolean };

/** What is not read: deleted text, the second form of what is there twice, and where tab stops are. */
const unread = new Set(["w:del", "w:moveFrom", "mc:Fallback", "w:tabs"]);

/** What stands for a character by itself. */
const characters = new Map([
  ["w:tab", "\t"],
  ["w:br", "\n"],
  ["w:cr", "\n"],
  ["w:noBreakHyphen", "-"],
]);

/** Writes the text of a Word document while the XML of its parts is read, the styles first. */
export class DocxTextExtractor {
  #out = "";
  #depth = 0;
  #unread = 0;
  #isText = false;
  /** The paragraphs that are open: those of a text box are inside of another. */
  #paragraphs: Paragraph[] = [];
  #wasListed = false;
  #isStart = true;
  #tables = 0;
  #cells: string[] = [];
  #wasRow = false;
  /** The style that is being defined; which styles are headings, and which those of lists, by their ids. */
  #styleId = "";
  readonly #levels = new Map<string, number>();
  readonly #listed = new Set<string>();

  /** How many elements are open. */
  get depth(): number {
    return this.#depth;
  }

  /** What was written since the last time. */
  take(): string {
    const out = this.#out;
    this.#out = "";
    return out;
  }

  onopentag(tag: string, attributes: Record<string, string>): void {
    this.#depth++;
    const value = attributes["w:val"] ?? "";
    const paragraph = this.#paragraphs.at(-1);
    if (unread.has(tag)) this.#unread++;
    if (this.#unread > 0) return;
    if (tag === "w:style") this.#styleId = attributes["w:styleId"] ?? "";
    else if (tag === "w:name") this.#nameStyle(value);
    else if (tag === "w:p") this.#paragraphs.push({ text: "", style: "", isListed: false });
    else if (tag === "w:pStyle" && paragraph !== undefined) paragraph.style = value;
    else if (tag === "w:numId" && paragraph !== undefined) paragraph.isListed = value !== "0";
    else if (tag === "w:numId" && this.#styleId !== "") this.#listed.add(this.#styleId);
    else if (tag === "w:t") this.#isText = true;
    else if (tag === "w:tbl") this.#tables++;
    else if (tag === "w:tr" && this.#tables === 1) this.#cells = [];
    else if (tag === "w:tc" && this.#tables === 1) this.#cells.push("");
    else if (paragraph !== undefined) paragraph.text += characters.get(tag) ?? "";
  }

  ontext(text: string): void {
    const paragraph = this.#paragraphs.at(-1);
    if (this.#isText && this.#unread === 0 && paragraph !== undefined) paragraph.text += text;
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
    const { text, style, isListed } = this.#paragraphs.pop() ?? { text: "", style: "", isListed: false };
    const content = text.trim();
    if (content === "") return;
    if (this.#tables > 0) {
      this.#cells.push(`${this.#cells.pop() ?? ""} ${content.replaceAll("\n", " ")}`);
      return;
    }
    const level = this.#levels.get(style);
    const isItem = level === undefined && (isListed || this.#listed.has(style));
    const lead = level === undefined ? (isItem ? "- " : "") : `${"#".repeat(level)} `;
    this.#write(`${lead}${content}\n`, isItem && this.#wasListed);
    this.#wasListed = isItem;
  }

  /** A paragraph has a blank line before it, but for the first, and one item of a list after another. */
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
