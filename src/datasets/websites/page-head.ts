import { headText } from "../formats/text/decode.ts";
import { memorySource } from "../formats/types.ts";
import { toStorableText } from "../../kit/db/text.ts";

/** What the head of a page says: its title, and whether search engines may not use it. */
export type PageHead = { title: string; isNoIndex: boolean };

const maxTitleLength = 200;

/** Reads the head of an HTML page from its first 64 KiB. */
export async function readHead(bytes: Uint8Array, robotName: string): Promise<PageHead> {
  const { Parser } = await import("htmlparser2");
  const head: PageHead = { title: "", isNoIndex: false };
  let titles = 0;
  let isTitle = false;
  let isSvg = 0;
  const parser = new Parser(
    {
      onopentag(tag, attributes) {
        if (tag === "svg") isSvg++;
        if (tag === "title" && isSvg === 0) isTitle = titles++ === 0;
        if (tag !== "meta") return;
        const name = (attributes["name"] ?? "").trim().toLowerCase();
        const isForUs = name === "robots" || name === robotName.toLowerCase();
        if (isForUs && forbidsIndex(attributes["content"] ?? "")) head.isNoIndex = true;
      },
      onclosetag(tag) {
        if (tag === "svg") isSvg--;
        if (tag === "title") isTitle = false;
      },
      ontext(text) {
        if (isTitle && head.title.length < 4 * maxTitleLength) head.title += text;
      },
    },
    { decodeEntities: true, lowerCaseTags: true },
  );
  parser.end(await headText(memorySource(bytes)));
  return { ...head, title: toStorableText(head.title.replaceAll(/\s+/g, " "), maxTitleLength) };
}

const forbidsIndex = (directives: string): boolean =>
  directives.split(",").some((each) => /^\s*(?:noindex|none)\s*$/i.test(each));

/** Whether an `X-Robots-Tag` forbids the use of a page: its directives follow the name of a robot, or are for all of them. */
export function tagForbidsIndex(header: string | null, robotName: string): boolean {
  let isForUs = true;
  return (header ?? "").split(",").some((part) => {
    const [, name, directive = ""] = /^\s*(?:([\w.-]+)\s*:(?!\/))?\s*(.*)$/.exec(part) ?? [];
    if (name !== undefined && !/^(?:max-|unavailable_after)/i.test(name))
      isForUs = name.toLowerCase() === robotName.toLowerCase();
    return isForUs && forbidsIndex(directive);
  });
}
