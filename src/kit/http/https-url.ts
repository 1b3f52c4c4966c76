import * as z from "zod";

/** A public address that others' programs open: https, in plain ASCII, without a username or password. */
export const HttpsUrl = z
  .string()
  .max(2_000)
  .refine(isHttpsUrl, "must be an https URL in plain ASCII, without a username or password")
  .meta({ format: "uri" });

function isHttpsUrl(text: string): boolean {
  const [, authority] = /^https:\/\/([^/?#]+)/i.exec(text) ?? [];
  return authority !== undefined && !authority.includes("@") && /^[!-[\]-~]+$/.test(text) && URL.canParse(text);
}
