import { looksSecret } from "../log.ts";

const wellFormed = /^[\w.:-]{8,128}$/;

let isolate: string | undefined;
let served = 0;

/** Creates a request ID: a random prefix per isolate and a counter. Unique, cheap, and not a secret. */
export function newRequestId(): string {
  isolate ??= crypto.randomUUID();
  served += 1;
  return `${isolate}-${served.toString(36)}`;
}

/** The request ID from the client, if it is 8–128 letters, digits, or `_ . : -`, and does not look like a key; else a new one. */
export function requestIdFrom(header: string | null): string {
  return header !== null && wellFormed.test(header) && !looksSecret(header) ? header : newRequestId();
}
