import { Gunzip } from "fflate";
import { maxSitemapBytes } from "../constants.ts";
import { PageError } from "./page-error.ts";

/** A list of pages: their URLs, and those of further sitemaps, as they are written. */
export type Sitemap = { pages: string[]; sitemaps: string[] };

/** Maximum URLs that are read of a sitemap: as many as the protocol allows. */
const maxUrls = 50_000;

const maxUrlLength = 2_048;

/** Decompresses a sitemap that is compressed with gzip. @throws PageError */
export function decompressSitemap(bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const chunks: Uint8Array[] = [];
  let size = 0;
  const gunzip = new Gunzip((chunk) => {
    size += chunk.length;
    if (size > maxSitemapBytes) throw tooLarge();
    chunks.push(chunk);
  });
  try {
    // In small pieces, so that a bomb stops before it is in memory.
    for (let at = 0; at < bytes.length; at += 4_096) gunzip.push(bytes.subarray(at, at + 4_096), at + 4_096 >= bytes.length);
  } catch (error) {
    throw error instanceof PageError
      ? error
      : new PageError("unreadable", "The sitemap is damaged: it cannot be decompressed.");
  }
  return new Uint8Array(Buffer.concat(chunks));
}

const tooLarge = () => new PageError("too_large", `The sitemap is larger than ${maxSitemapBytes} bytes.`);

/** Whether a text is a sitemap: an XML one, or a list of URLs, one on each line. */
export function isSitemap(text: string): boolean {
  return isXmlSitemap(text) || isUrlList(text);
}

const isXmlSitemap = (text: string): boolean =>
  /^\ufeff?\s*(?:<\?xml[^>]{0,500}\?>\s*)?(?:<\?xml-stylesheet[^>]{0,500}\?>\s*)?(?:<!--[^>]{0,2000}-->\s*)*<(?:[\w.-]{1,50}:)?(?:urlset|sitemapindex)[\s>]/i.test(
    text.slice(0, 8_192),
  );

function isUrlList(text: string): boolean {
  const lines = text.slice(0, 65_536).split("\n");
  if (text.length > 65_536) lines.pop();
  const present = lines.map((line) => line.trim()).filter((line) => line !== "");
  return present.length > 0 && present.every((line) => /^\ufeff?https?:\/\/\S+$/i.test(line));
}

/** Parses a sitemap (https://www.sitemaps.org/protocol.html). Its time is linear in the length of the text. */
export async function parseSitemap(text: string): Promise<Sitemap> {
  if (isXmlSitemap(text)) return await parseXml(text);
  const lines = text.replace(/^\ufeff/, "").split("\n", maxUrls);
  return { pages: lines.map((line) => line.trim()).filter((line) => line !== "" && line.length <= maxUrlLength), sitemaps: [] };
}

async function parseXml(text: string): Promise<Sitemap> {
  const { Parser } = await import("htmlparser2");
  const found: Sitemap = { pages: [], sitemaps: [] };
  let parent = "";
  let location: string | undefined;
  let count = 0;
  const localName = (tag: string) => tag.toLowerCase();
  const parser = new Parser(
    {
      onopentag(tag) {
        const [name = "", prefix] = localName(tag).split(":").toReversed();
        // An image or a video of a page has a location too, in another namespace.
        if (name === "url" || name === "sitemap") parent = prefix === undefined ? name : `${prefix}:${name}`;
        const expected = parent.includes(":") ? `${parent.split(":")[0]}:loc` : "loc";
        if (localName(tag) === expected && parent !== "") location = "";
      },
      ontext(value) {
        if (location !== undefined && location.length <= maxUrlLength) location += value;
      },
      onclosetag(tag) {
        const name = localName(tag).split(":").at(-1);
        if (name === "loc" && location !== undefined) {
          const url = location.trim();
          const list = parent.endsWith("sitemap") ? found.sitemaps : found.pages;
          if (url !== "" && url.length <= maxUrlLength && count++ < maxUrls) list.push(url);
          location = undefined;
        }
        if (name === "url" || name === "sitemap") parent = "";
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(text);
  return found;
}
