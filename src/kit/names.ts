import * as z from "zod";

/** What the texts by which users call themselves and their things may contain. Others see them in lists, notifications and mails. */

/** Control characters, line breaks, and characters that are invisible or change the direction of the text. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Emoji are sequences with invisible parts. */
const emoji = /\p{RGI_Emoji}/gv;

const url = /:\/\/|\bwww\./iu;

/** What mail programs make a link of without a scheme: a domain, or an IPv4 address. */
const domain = /[\p{L}\p{N}\p{M}_-]\.\p{L}\p{M}*[\p{L}\p{N}-]|\b\d{1,3}(?:\.\d{1,3}){3}\b/u;

/** The text as a reader of links sees it: with plain letters, and with a full stop for every dot that separates labels. */
const plain = (text: string) => text.normalize("NFKC").replaceAll("。", ".");

const hasInvisible = (text: string) => invisible.test(text.replace(emoji, ""));
const hasUrl = (text: string) => url.test(plain(text));
const hasLink = (text: string) => hasUrl(text) || domain.test(plain(text));

const visible = z.string().refine((text) => !hasInvisible(text), {
  error: "must not contain control characters, line breaks or invisible characters",
  abort: true,
});

/** The name of a thing, on one line, without a URL. A dot within a word is allowed, as in `Node.js`. */
export const Label = (max: number) =>
  visible
    .refine((text) => !hasUrl(text), "must not contain a link")
    .trim()
    .max(max);

/** The name of a person, on one line, without a link or a domain. */
export const PersonName = (max: number) =>
  visible
    .refine((text) => !hasLink(text), "must not contain a link or a domain name")
    .trim()
    .max(max);

/** The name of a file as a `Label`, without what a `Label` refuses. Empty if nothing is left. */
export function cleanLabel(text: string, max: number): string {
  const shown = withoutInvisible(text);
  return hasUrl(shown) ? "" : shortened(shown, max);
}

/** A person's name from another service, without the parts that `PersonName` refuses. Empty if nothing is left. */
export function cleanPersonName(text: string, max: number): string {
  const words = withoutInvisible(text).split(" ");
  const kept = words.filter((word) => !hasLink(word)).join(" ");
  return hasLink(kept) ? "" : shortened(kept, max);
}

/** An emoji, or an invisible character that joins no letters. */
const unseen = /(\p{RGI_Emoji})|[[\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]--[\u200c\u200d]]/gv;

/** A text as a reader sees it: on one line, with single spaces, and without invisible characters. Emoji and joined letters stay whole. */
export function visibleText(text: string): string {
  return text
    .replace(unseen, "$1")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
}

/** A text on one line, with single spaces and without invisible characters. An emoji with invisible parts is kept only in a text without others. */
function withoutInvisible(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, " ");
  const shown = hasInvisible(line) ? line.replace(new RegExp(invisible, "gu"), "") : line;
  return shown.replace(/ +/g, " ").trim();
}

const shortened = (text: string, max: number) => text.slice(0, max).toWellFormed().trim();
