import { maxPages, maxSitemapBytes, maxSitemapDepth, maxSitemaps } from "../constants.ts";
import { decodeText } from "../formats/text/decode.ts";
import { memorySource } from "../formats/types.ts";
import { WorkMeter } from "../../kit/async/work-meter.ts";
import type { WebsiteKind } from "../tables.ts";
import { PageError } from "./page-error.ts";
import { readPage, withoutFragment, type Page, type PageClient } from "./read-page.ts";
import type { Robots } from "./robots.ts";
import { decompressSitemap, isSitemap, parseSitemap } from "./sitemap.ts";

/** The pages of a website, in order, and what its owner should know about the list. */
export type PageList = { kind: WebsiteKind; urls: string[]; notes: string[] };

/** Sitemaps with any of these types are listed; all others are pages. */
const accept = "text/html,application/xhtml+xml,application/xml,text/xml,text/plain,*/*;q=0.1";

/**
 * Lists the pages of a website: the pages of a sitemap on its own site, or the page itself.
 * @param kind what the URL is; null to find out by its content
 * @throws PageError if the URL cannot be read, or is no sitemap although it should be one
 */
export async function listPages(client: PageClient, robots: Robots, address: URL, kind: WebsiteKind | null): Promise<PageList> {
  const single = (url: URL): PageList => ({ kind: "page", urls: [url.href], notes: [] });
  if (kind === "page") return single(withoutFragment(address));
  const start = await readPage(client, address, {
    check: (url) => robots.assertAllowed(url),
    maxBytes: maxSitemapBytes,
    accept,
  });
  const text = await textOf(start);
  if (!isSitemap(text)) {
    if (kind === "sitemap")
      throw new PageError(
        "unreadable",
        "The URL is no sitemap: it must be an XML sitemap, or a text with one URL on each line.",
      );
    return single(withoutFragment(address));
  }
  const list = new SitemapWalk(client, robots, start.url);
  await list.add(text, 0);
  if (list.urls.size === 0)
    throw new PageError("no_text", ["The sitemap has no pages of its own site.", ...list.notes].join(" "));
  return { kind: "sitemap", urls: Array.from(list.urls), notes: list.notes };
}

async function textOf({ bytes }: Page): Promise<string> {
  let text = "";
  for await (const chunk of decodeText(memorySource(decompressSitemap(bytes ?? new Uint8Array())), new WorkMeter()))
    text += chunk;
  return text;
}

/** Collects the pages of a sitemap and of the sitemaps that it names. */
class SitemapWalk {
  readonly urls = new Set<string>();
  readonly #client: PageClient;
  readonly #robots: Robots;
  readonly #site: URL;
  readonly #seen = new Set<string>();
  #others = 0;
  #unread = 0;
  #failed = 0;
  #isCut = false;

  constructor(client: PageClient, robots: Robots, site: URL) {
    [this.#client, this.#robots, this.#site] = [client, robots, site];
    this.#seen.add(site.href);
  }

  get notes(): string[] {
    return [
      ...(this.#isCut ? [`The sitemap has more than ${maxPages} pages. Only the first ${maxPages} are read.`] : []),
      ...(this.#others > 0 ? [`${this.#others} URLs of the sitemap are not on ${this.#site.origin} and are not read.`] : []),
      ...(this.#unread > 0
        ? [
            `${this.#unread} further sitemaps are not read: the limits are ${maxSitemaps} sitemaps and ${maxSitemapDepth} levels.`,
          ]
        : []),
      ...(this.#failed > 0 ? [`${this.#failed} further sitemaps could not be read.`] : []),
    ];
  }

  async add(text: string, depth: number): Promise<void> {
    const { pages, sitemaps } = await parseSitemap(text);
    for (const page of pages) {
      const url = this.#onSite(page);
      if (url === undefined) this.#others++;
      else if (this.urls.size < maxPages) this.urls.add(url.href);
      else if (!this.urls.has(url.href)) this.#isCut = true;
    }
    for (const sitemap of sitemaps) {
      const url = this.#onSite(sitemap);
      if (url === undefined) this.#others++;
      if (url === undefined || this.#seen.has(url.href)) continue;
      if (this.urls.size >= maxPages) this.#isCut = true;
      else if (depth + 1 >= maxSitemapDepth || this.#seen.size > maxSitemaps) this.#unread++;
      else await this.#addSitemap(url, depth + 1);
    }
  }

  async #addSitemap(url: URL, depth: number): Promise<void> {
    this.#seen.add(url.href);
    try {
      const check = async (target: URL) => {
        if (target.origin !== this.#site.origin) throw new PageError("redirected", "The sitemap redirects to another site.");
        await this.#robots.assertAllowed(target);
      };
      const page = await readPage(this.#client, url, { check, maxBytes: maxSitemapBytes, accept });
      const text = await textOf(page);
      if (isSitemap(text)) await this.add(text, depth);
      else this.#failed++;
    } catch (error) {
      if (!(error instanceof PageError)) throw error;
      // A refresh without the pages of a sitemap that is away for a moment would remove them.
      if (error.isPassing) throw error;
      this.#failed++;
    }
  }

  /** A URL of the sitemap's own site. Old sitemaps name their pages with http. */
  #onSite(text: string): URL | undefined {
    if (!URL.canParse(text, this.#site)) return undefined;
    const url = withoutFragment(new URL(text, this.#site));
    if (url.protocol === "http:" && this.#site.protocol === "https:") url.protocol = "https:";
    return url.origin === this.#site.origin && url.username === "" && url.password === "" ? url : undefined;
  }
}
