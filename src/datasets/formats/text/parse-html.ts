import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { assertDepth } from "../limits.ts";
import { decodeText } from "./decode.ts";
import { sectionsOf } from "./parse-text.ts";
import { certainty, type ByteSource, type Parsed, type FileFormat } from "../types.ts";
import { ArticleFinder, isBesideArticle } from "./find-article.ts";
import { hasTag, htmlExtensions } from "./markup.ts";

/** HTML and XHTML. */
export const htmlFormat = {
  name: "html",
  label: "HTML",
  matchesText(text, extension) {
    const isPage = /^(?:<!doctype html|<html|<head|<body)\b/i.test(withoutComments(text));
    if (isPage || (/^<\?xml\b/.test(text) && /<html\b/i.test(text))) return certainty.certain;
    return htmlExtensions.includes(extension) && hasTag(text) ? certainty.named : certainty.impossible;
  },
  parse: parseHtml,
} as const satisfies FileFormat;

const withoutComments = (text: string): string =>
  text.replace(/^(?:<\?xml[^>]*\?>|<!--(?:[^-]|-(?!->))*-->|\s)+(?=<(?!\?xml))/i, "");

/** Elements that are ignored. */
const hidden = new Set([
  "script",
  "style",
  "noscript",
  "template",
  "svg",
  "title",
  "nav",
  "iframe",
  "object",
  "select",
  "button",
]);

/** Block elements. */
const blocks = new Set(
  (
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 " +
    "h3 h4 h5 h6 header hr li main ol p pre section summary table tbody tfoot thead tr ul"
  ).split(" "),
);

/** Blocks with a blank line before them. */
const spaced = new Set("h1 h2 h3 h4 h5 h6 p pre blockquote table ul ol dl section article figure".split(" "));

/**
 * Parses a web page into sections: the visible text of its article, with headings and lists as Markdown; of a page without a clear article,
 * all visible text.
 */
async function* parseHtml(source: ByteSource, name: string, work: WorkMeter): AsyncGenerator<Parsed> {
  const encoding = await encodingOf(source);
  const chunks = () => decodeText(source, work, encoding);
  const [first, wrappers] = await findArticle(chunks(), work);
  const exempt = new Set(wrappers);
  const [article] = exempt.size === 0 ? [first] : await findArticle(chunks(), work, exempt);
  yield* sectionsOf(htmlText(chunks(), work, article, exempt), name, work);
}

/** The encoding that the start of a page declares. */
async function encodingOf(source: ByteSource): Promise<string | undefined> {
  const head = Buffer.from(await source.read(0, Math.min(1_024, source.size))).toString("latin1");
  return /(?:charset|<\?xml[^>]*encoding)\s*=\s*["']?\s*([\w-]+)/i.exec(head)?.[1];
}

/** The work of a tag beside that of its characters. */
const unitsPerTag = 50;

type TagEvents = {
  open(tag: string, attributes: Record<string, string>): void;
  close(tag: string): void;
  text(text: string): void;
};

/** Parses a chunked page, and yields after each chunk. */
async function* parseTags(chunks: AsyncIterable<string>, work: WorkMeter, events: TagEvents): AsyncGenerator<void> {
  const { Parser } = await import("htmlparser2");
  // The parser takes time for each tag that grows with the number of open elements.
  let depth = 0;
  let tags = 0;
  const parser = new Parser(
    {
      onopentagname() {
        tags++;
        assertDepth(++depth);
      },
      onopentag: (tag, attributes) => events.open(tag, attributes),
      onclosetag(tag) {
        depth--;
        events.close(tag);
      },
      ontext: (text) => events.text(text),
    },
    { decodeEntities: true, lowerCaseTags: true },
  );
  for await (const chunk of chunks) {
    parser.write(chunk);
    yield;
    await work.spend(tags * unitsPerTag);
    tags = 0;
  }
  parser.end();
  yield;
}

/** The number of the element that is the article of a page, if there is a clear one, and the numbers of wrappers to exempt. */
async function findArticle(
  chunks: AsyncIterable<string>,
  work: WorkMeter,
  exempt?: ReadonlySet<number>,
): Promise<[article: number | undefined, wrappers: number[]]> {
  const finder = new ArticleFinder(exempt);
  let ignored = 0;
  const events: TagEvents = {
    open(tag, attributes) {
      if (hidden.has(tag)) ignored++;
      finder.open(tag, attributes);
    },
    close(tag) {
      if (hidden.has(tag)) ignored = Math.max(0, ignored - 1);
      finder.close();
    },
    text(text) {
      if (ignored === 0) finder.text(text);
    },
  };
  for await (const _ of parseTags(chunks, work, events));
  return [finder.end(), finder.wrappers];
}

/** Extracts the text of a chunked page, in chunks. @param article the number of the element to read; undefined for the whole page */
async function* htmlText(
  chunks: AsyncIterable<string>,
  work: WorkMeter,
  article: number | undefined,
  exempt: ReadonlySet<number>,
): AsyncGenerator<string> {
  const writer = new TextWriter();
  let count = 0;
  let depth = 0;
  /** The depths of the article and of an open element beside it; 0 while there is none. */
  let articleDepth = article === undefined ? -1 : 0;
  let asideDepth = 0;
  const isRead = () => articleDepth !== 0 && asideDepth === 0;
  const events: TagEvents = {
    open(tag, attributes) {
      depth++;
      if (count === article) articleDepth = depth;
      const isInside = articleDepth > 0 && depth > articleDepth;
      const isAside = isInside && !exempt.has(count) && isBesideArticle(tag, attributes);
      count++;
      if (isAside && asideDepth === 0) asideDepth = depth;
      if (isRead()) writer.open(tag);
    },
    close(tag) {
      if (isRead()) writer.close(tag);
      if (depth === asideDepth) asideDepth = 0;
      if (depth === articleDepth) articleDepth = 0;
      depth--;
    },
    text(text) {
      if (isRead()) writer.text(text);
    },
  };
  for await (const _ of parseTags(chunks, work, events)) {
    const text = writer.take();
    if (text !== "") yield text;
  }
}

const betweenCells = " | ";

/** Writes the visible text of a page, with white space collapsed as in a browser. */
class TextWriter {
  #out = "";
  #hidden = 0;
  #preformatted = 0;
  /** Line feeds before the next text: 2 for a blank line. */
  #breaks = 0;
  #isSpaced = false;
  #isStart = true;
  /** The prefix of the next text: `# `, `- `, ` | `. */
  #lead = "";
  #cells = 0;
  #isCellStart = false;

  open(tag: string): void {
    if (hidden.has(tag)) this.#hidden++;
    if (this.#hidden > 0) return;
    if (tag === "br") this.#breaks = Math.max(this.#breaks, 1);
    if (tag === "tr") this.#cells = 0;
    if (blocks.has(tag)) this.#breakLine(tag);
    if (tag === "pre") this.#preformatted++;
    if (/^h[1-6]$/.test(tag)) this.#lead = `${"#".repeat(Number(tag[1]))} `;
    if (tag === "li") this.#lead = "- ";
    if (tag === "td" || tag === "th") this.#isCellStart = true;
    if ((tag === "td" || tag === "th") && this.#cells++ > 0) this.#lead = betweenCells;
  }

  close(tag: string): void {
    if (hidden.has(tag)) this.#hidden = Math.max(0, this.#hidden - 1);
    else if (this.#hidden === 0) {
      if (tag === "td" || tag === "th") [this.#breaks, this.#isCellStart] = [0, false];
      if (tag === "pre") this.#preformatted = Math.max(0, this.#preformatted - 1);
      if (blocks.has(tag)) this.#breakLine(tag);
      if (blocks.has(tag)) this.#lead = "";
    }
  }

  text(text: string): void {
    if (this.#hidden > 0) return;
    if (this.#preformatted > 0) this.#write(text);
    else {
      for (const [index, words] of text.split(/[\t\n\f\r ]+/).entries()) {
        if (index > 0) this.#isSpaced = true;
        if (words !== "") this.#write(words);
      }
    }
  }

  take(): string {
    const out = this.#out;
    this.#out = "";
    return out;
  }

  #breakLine(tag: string): void {
    if (this.#isCellStart) return;
    this.#breaks = Math.max(this.#breaks, spaced.has(tag) ? 2 : 1);
  }

  #write(text: string): void {
    const isCell = this.#lead === betweenCells;
    if (this.#breaks > 0 && !this.#isStart && !isCell) this.#out += "\n".repeat(this.#breaks);
    else if (this.#isSpaced && !this.#isStart && this.#lead === "") this.#out += " ";
    this.#out += this.#lead + text;
    this.#breaks = 0;
    this.#isSpaced = false;
    this.#isStart = false;
    this.#isCellStart = false;
    this.#lead = "";
  }
}
