/** An open element of a page. */
type OpenElement = { index: number; isAside: boolean; isLink: boolean; text: number };

/** Parts of a page that are no part of its article. A header or a footer inside of the article is one. */
const asideTags = new Set(["nav", "aside", "footer", "dialog", "menu"]);
const asideRoles = /^(?:navigation|banner|contentinfo|complementary|search|dialog|alertdialog|alert|menu|menubar)$/;

/** Names of classes and IDs that such parts have, and names that make them the article nevertheless. */
const asideNames =
  /(?:^|[\s_-])(?:ad|ads|advert\w*|banner|breadcrumbs?|byline-share|comments?|consent|cookies?|disqus|footer|gdpr|login|masthead|menu|modal|nav|navbar|navigation|newsletter|outbrain|pager|pagination|popup|promo|recirc\w*|recommend\w*|related\w*|share|sharing|sidebar|sidenav|signup|skip-?link|social|sponsor\w*|subscribe|taboola|toolbar|topbar|widget)(?:$|[\s_-])/i;
const articleNames = /(?:^|[\s_-])(?:article|main|content|post|entry|story|body|section)(?:$|[\s_-])/i;

/** The share of the text that the article must have, and how long its text must be. */
const minShare = 0.85;
const minLength = 250;

/** Shorter texts are names of links and buttons, not sentences. */
const minTextLength = 25;

/** Whether an element is beside the article, by its tag, its role, or the names in its class and ID. */
export function isBesideArticle(tag: string, attributes: Record<string, string>): boolean {
  if (tag === "html" || tag === "body" || tag === "main" || tag === "article") return false;
  if (asideTags.has(tag) || asideRoles.test(attributes["role"] ?? "")) return true;
  if ("hidden" in attributes || attributes["aria-hidden"] === "true" || attributes["aria-modal"] === "true") return true;
  if (/display\s*:\s*none|visibility\s*:\s*hidden/i.test(attributes["style"] ?? "")) return true;
  // An ID of many words is that of a heading.
  const id = attributes["id"] ?? "";
  const names = `${attributes["class"] ?? ""} ${id.split(/[-_]/).length > 2 ? "" : id}`.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-");
  return asideNames.test(names) && !articleNames.test(names);
}

/**
 * Finds the article of a page from the events of its parser: the innermost element that has 85 % of the sentences that are not
 * beside the article. It holds the open elements and few candidates, so it needs no tree.
 */
export class ArticleFinder {
  readonly #open: OpenElement[] = [];
  #candidates: { index: number; text: number; depth: number }[] = [];
  #count = 0;
  #aside = 0;
  #links = 0;
  #total = 0;

  open(tag: string, attributes: Record<string, string>): void {
    const isAside = isBesideArticle(tag, attributes);
    const isLink = tag === "a";
    if (isAside) this.#aside++;
    if (isLink) this.#links++;
    this.#open.push({ index: this.#count++, isAside, isLink, text: 0 });
  }

  text(text: string): void {
    const element = this.#open.at(-1);
    if (element === undefined || this.#aside > 0 || this.#links > 0) return;
    const { length } = text.trim();
    if (length < minTextLength) return;
    element.text += length;
    this.#total += length;
  }

  close(): void {
    const element = this.#open.pop();
    if (element === undefined) return;
    if (element.isAside) this.#aside--;
    if (element.isLink) this.#links--;
    const parent = this.#open.at(-1);
    if (parent !== undefined) parent.text += element.text;
    // The total only grows, so an element that has too little of it now has too little at the end.
    if (element.text === 0 || element.text < this.#total * minShare) return;
    this.#candidates = this.#candidates.filter(({ text }) => text >= this.#total * minShare);
    this.#candidates.push({ index: element.index, text: element.text, depth: this.#open.length });
  }

  /** The number of the article's element, counted from the first start tag; undefined if there is no clear article. */
  end(): number | undefined {
    if (this.#total < minLength) return undefined;
    const found = this.#candidates.filter(({ text }) => text >= this.#total * minShare);
    return found.toSorted((a, b) => b.depth - a.depth)[0]?.index;
  }
}
