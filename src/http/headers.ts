/** Headers of every reply of the Worker. */
export const constantHeaders = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000; includeSubDomains",
  "x-content-type-options": "nosniff",
} as const;

export const jsonType = "application/json; charset=utf-8";
export const problemType = "application/problem+json; charset=utf-8";

const exposedHeaders = [
  "ETag",
  "Idempotency-Replayed",
  "RateLimit-Policy",
  "Retry-After",
  "Server-Timing",
  "X-Cache",
  "X-Request-Id",
].join(", ");
const acceptedHeaders = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "Last-Event-ID",
  "X-Request-Id",
].join(", ");

/** Seconds that a browser may cache the reply to a preflight. Chromium caps it at two hours. */
const preflightSeconds = 7_200;

type HeaderBag = Record<string, string>;

/** Allows the page at `origin` to read the reply, if the configuration lists that origin. */
export function addCors(headers: HeaderBag, origin: string | null | undefined, allowed: readonly string[]): void {
  if (origin == null || !allowed.includes(origin)) return;
  headers["access-control-allow-origin"] = origin;
  headers["access-control-allow-credentials"] = "true";
  headers["access-control-expose-headers"] = exposedHeaders;
}

/** Adds the headers of the reply to a preflight. */
export function addPreflight(headers: HeaderBag, methods: readonly string[]): void {
  headers["access-control-allow-methods"] = methods.join(", ");
  headers["access-control-allow-headers"] = acceptedHeaders;
  headers["access-control-max-age"] = String(preflightSeconds);
}
