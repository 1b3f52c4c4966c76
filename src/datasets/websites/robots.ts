import robotsParser from "robots-parser";
import { maxCrawlDelaySeconds, maxRobotsBytes, maxRobotsRedirects, maxWildcardLength } from "../constants.ts";
import { PageError } from "./page-error.ts";
import { readPage, type PageClient } from "./read-page.ts";

/** What a robots.txt says about one URL. */
type Rules = { isAllowed(url: URL): boolean; delaySeconds: number; refusal: string };

/** The robots.txt files (RFC 9309) of the sites that one run reads, each fetched once. */
export class Robots {
  readonly #client: PageClient;
  readonly #rules = new Map<string, Promise<Rules>>();

  constructor(client: PageClient) {
    this.#client = client;
  }

  /** @throws PageError if the robots.txt of the site does not allow a URL, or cannot be read */
  async assertAllowed(url: URL): Promise<void> {
    const rules = await this.#rulesOf(url);
    if (!rules.isAllowed(url)) throw new PageError("blocked_by_robots", rules.refusal);
  }

  /** The seconds between two pages that the site asks for. More than the maximum counts as the maximum. */
  async delayOf(url: URL): Promise<{ seconds: number; asked: number }> {
    const { delaySeconds } = await this.#rulesOf(url);
    return { seconds: Math.min(delaySeconds, maxCrawlDelaySeconds), asked: delaySeconds };
  }

  #rulesOf(url: URL): Promise<Rules> {
    const { origin } = url;
    const known = this.#rules.get(origin);
    if (known !== undefined) return known;
    const rules = readRules(this.#client, new URL("/robots.txt", origin));
    this.#rules.set(origin, rules);
    return rules;
  }
}

async function readRules(client: PageClient, url: URL): Promise<Rules> {
  try {
    const options = {
      maxBytes: maxRobotsBytes,
      truncates: true,
      redirects: maxRobotsRedirects,
      accept: "text/plain,*/*;q=0.1",
    };
    const { bytes } = await readPage(client, url, options);
    return parseRules(client, url, new TextDecoder().decode(bytes ?? new Uint8Array()));
  } catch (error) {
    if (!(error instanceof PageError)) throw error;
    // A site without a robots.txt allows all. One whose robots.txt cannot be read allows nothing.
    const isAbsent = ["not_found", "access_denied", "unreadable", "redirected"].includes(error.code);
    return isAbsent
      ? everything
      : nothing(`The robots.txt of the site could not be read, so no page is read. ${error.message}`);
  }
}

const everything: Rules = { isAllowed: () => true, delaySeconds: 0, refusal: "" };
const nothing = (refusal: string): Rules => ({ isAllowed: () => false, delaySeconds: 0, refusal });

function parseRules({ agent }: PageClient, url: URL, text: string): Rules {
  const wildcards = text.split(/[\r\n]+/).reduce((sum, line) => sum + (line.includes("*") ? line.length : 0), 0);
  if (wildcards > maxWildcardLength)
    return nothing(`The robots.txt of the site has more than ${maxWildcardLength} characters of rules with wildcards.`);
  const rules = robotsParser(url.href, text);
  const delay = rules.getCrawlDelay(agent) ?? 0;
  return {
    // A redirect may have led to the robots.txt of another host, but its rules are for this one.
    isAllowed: (page) => rules.isAllowed(page.href, agent) !== false,
    delaySeconds: Number.isFinite(delay) && delay > 0 ? delay : 0,
    refusal: `The robots.txt of the site does not allow ${agent} to read this page.`,
  };
}
