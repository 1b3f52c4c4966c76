import { sha256Hex } from "../kit/crypto/hash.ts";
import { normalizeUnicode } from "../kit/unicode.ts";

/** The hash of the normalized text of a fact: without case, compatibility forms, repeated spaces, and punctuation at the end. */
export function hashFact(text: string): Promise<string> {
  const plain = normalizeUnicode(text, "NFKC").toLowerCase().replace(/\s+/g, " ").trim();
  return sha256Hex(plain.replace(/[\s.!。]+$/u, "") || plain);
}
