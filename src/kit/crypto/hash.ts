import { Buffer } from "node:buffer";

const encoder = new TextEncoder();

async function sha256(data: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

/** The first 128 bits of the SHA-256 of `data`, in base64url: 22 characters that identify the content. */
export async function sha256Short(data: Uint8Array): Promise<string> {
  return Buffer.from((await sha256(data)).subarray(0, 16)).toString("base64url");
}

/** SHA-256 in base64url. Secrets that are looked up are stored in this form. */
export async function sha256Hex(text: string): Promise<string> {
  return Buffer.from(await sha256(encoder.encode(text))).toString("base64url");
}

/** A secret of 256 bits, in 43 characters of base64url. */
export function newSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
}
