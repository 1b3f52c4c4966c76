/** An open element of a page. */
type OpenElement = {
  index: number;
  isAside: boolean;
  isNamed: boolean;
  isTagged: boolean;
  isLink: boolean;

  text: number;
};

/** Parts of a page that are no part of its article. A header or a footer inside of the article is one. */
const asideTags = new Set(["nav", "aside", "footer", "dialog", "menu"]);
const asideRoles = /^(?:navigation|banner|contentinfo|complementary|search|dialog|alertdialog|alert|menu|menubar)$/;

/** Names of classes and IDs that such parts have, and names that make them the article nevertheless. */
const asideNames =
  /(?:^|[\s_-])(?:ad|ads|advert\w*|banner|breadcrumbs?|byline-share|comments?|consent|cookies?|disqus|footer|gdpr|login|masthead|menu|modal|nav|navbar|navigation|newsletter|outbrain|pager|pagination|popup|promo|recirc\w*|recommend\w*|related\w*|share|sharing|sidebar|sidenav|signup|skip-?link|social|sponsor\w*|subscribe|taboola|toolbar|topbar|widget)(?:$|[\s_-])/i;
const articleNames = /(?:^|[\s_-])(?:article|main|content|post|entry|story|body|section)(?:$|[\s_-])/i;

/** Names that an article has itself. */
const ownNames = /(?:^|[\s_-])(?:article|h-?entry|(?:article|entry|post|story)-?(?:body|content|text))(?:$|[\s_-])/i;

/** The share of the text that the article must have, that an element with the name of one must have, and how long its text must be. */
const minShare = 0.85;
const minNamedShare = 0.6;
const minLength = 250;

/** Shorter texts are names of links and buttons, not sentences. */
const minTextLength = 25;

/** Whether an element says that it is not shown. */
function isHidden(attributes: Record<string, string>): boolean {
  if ("hidden" in attributes || attributes["aria-hidden"] === "true") return true;
  return /display\s*:\s*none|visibility\s*:\s*hidden/i.test(attributes["style"] ?? "");
}

/** Whether an element is beside the article, by its tag, its role, or the names in its class and ID. */
export function isBesideArticle(tag: string, attributes: Record<string, string>): boolean {
  if (tag === "html" || tag === "body" || tag === "main" || tag === "article") return false;
  if (asideTags.has(tag) || asideRoles.test(attributes["role"] ?? "")) return true;
  if (isHidden(attributes) || attributes["aria-modal"] === "true") return true;
  // An ID of many words is that of a heading.
  const id = attributes["id"] ?? "";
  const names = `${attributes["class"] ?? ""} ${id.split(/[-_]/).length > 2 ? "" : id}`.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-");
  return asideNames.test(names) && !articleNames.test(names);
}

/** Whether an element has the name of an article. */
function hasArticleName(tag: string, attributes: Record<string, string>): boolean {
  return (
    tag !== "body" &&
    tag !== "html" &&
    ownNames.test(`${attributes["class"] ?? ""} ${attributes["id"] ?? ""}`.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-"))
  );
}

/**
 * Finds the article of a page from the events of its parser: the innermost element that has 85 % of the sentences that are not
 * beside the article, or the outermost element inside of it that has the name of an article and 60 % of them. It holds the open elements and few candidates, so it needs no tree.
 */
export class ArticleFinder {
  readonly #exempt: ReadonlySet<number>;
  readonly #open: OpenElement[] = [];
  #candidates: { index: number; text: number; depth: number; isNamed: boolean; isTagged: boolean }[] = [];
  #asides: { index: number; text: number }[] = [];
  #count = 0;
  #aside = 0;
  #links = 0;
  #total = 0;
  #asideTotal = 0;

  /** @param exempt the elements that are not beside the article, whatever their names are */
  constructor(exempt: ReadonlySet<number> = new Set()) {
    this.#exempt = exempt;
  }

  open(tag: string, attributes: Record<string, string>): void {
    const isAside = isBesideArticle(tag, attributes) && !this.#exempt.has(this.#count);
    const isTagged = tag === "article" || attributes["itemprop"] === "articleBody";
    const isNamed = isTagged || hasArticleName(tag, attributes);
    const isLink = tag === "a";
    if (isAside) this.#aside++;
    if (isLink) this.#links++;
    this.#open.push({ index: this.#count++, isAside, isNamed, isTagged, isLink, text: 0 });
  }

  text(text: string): void {
    const element = this.#open.at(-1);
    if (element === undefined || this.#links > 0) return;
    const { length } = text.trim();
    if (length < minTextLength) return;
    element.text += length;
    if (this.#aside > 0) this.#asideTotal += length;
    else this.#total += length;
  }

  close(): void {
    const element = this.#open.pop();
    if (element === undefined) return;
    if (element.isAside) this.#aside--;
    if (element.isLink) this.#links--;
    const { index, text, isNamed, isTagged } = element;
    const parent = this.#open.at(-1);
    if (element.isAside && this.#aside === 0) {
      if (text > this.#total) this.#asides.push({ index, text });
      return;
    }
    if (parent !== undefined) parent.text += text;
    if (text === 0 || this.#aside > 0 || !this.#hasShare(element)) return;
    this.#candidates = this.#candidates.filter((each) => this.#hasShare(each));
    this.#candidates.push({ index, text, depth: this.#open.length, isNamed, isTagged });
  }

  /** Whether an element has enough of the text. The total only grows, so one that has too little of it now has too little at the end. */
  #hasShare({ text, isNamed }: { text: number; isNamed: boolean }): boolean {
    return text >= this.#total * (isNamed ? minNamedShare : minShare);
  }

  /** The elements that were taken as beside the article, but have most of the text of the page: wrappers with an odd name. */
  get wrappers(): number[] {
    if (this.#total >= minLength) return [];
    const half = (this.#total + this.#asideTotal) / 2;
    return this.#asides.filter(({ text }) => text > half).map(({ index }) => index);
  }

  /** The number of the article's element, counted from the first start tag; undefined if there is no clear article. */
  end(): number | undefined {
    if (this.#total < minLength) return undefined;
    const found = this.#candidates.filter((each) => this.#hasShare(each)).toSorted((a, b) => a.depth - b.depth);
    const whole = found.filter(({ text }) => text >= this.#total * minShare);
    const tagged = whole.findLast(({ isTagged }) => isTagged);
    return (tagged ?? found[whole.length] ?? whole.at(-1))?.index;
  }
}
