const wellFormed = /^[\w.:-]{8,128}$/;

let isolate: string | undefined;
let served = 0;

/** An id for a request: random once for the isolate, counted within it. Unique, cheap, and not a secret. */
export function newRequestId(): string {
  isolate ??= crypto.randomUUID();
  served += 1;
  return `${isolate}-${served.toString(36)}`;
}

/** The request id that a caller sent, if it is 8–128 letters, digits, or `_ . : -`; else a new one. */
export function requestIdFrom(header: string | null): string {
  return header !== null && wellFormed.test(header) ? header : newRequestId();
}
