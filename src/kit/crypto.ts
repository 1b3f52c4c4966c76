import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";

const encoder = new TextEncoder();

async function sha256(data: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

/** The first 128 bits of the SHA-256 of `data`, in base64url: 22 characters that name a content. */
export async function contentHash(data: Uint8Array): Promise<string> {
  return Buffer.from((await sha256(data)).subarray(0, 16)).toString("base64url");
}

/** Whether two secrets are equal, in a time that tells nothing of either. */
export async function secretsMatch(given: string, expected: string): Promise<boolean> {
  const [a, b] = await Promise.all([sha256(encoder.encode(given)), sha256(encoder.encode(expected))]);
  return timingSafeEqual(a, b);
}
