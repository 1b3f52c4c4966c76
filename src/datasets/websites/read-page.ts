import type { Env } from "../../env.ts";
import { createByteReader } from "../../kit/async/streams.ts";
import { createGuardedFetch, EgressError, urlSettingsOf } from "../../kit/egress/fetch.ts";
import { secondsToWait } from "../../kit/http/retry-after.ts";
import { maxPageBytes, maxPageRetries, maxRedirects, maxRetryWaitSeconds, type PageProblemCode } from "../constants.ts";
import { PageError } from "./page-error.ts";

/** The validators of an earlier response, for a conditional request. */
export type Validators = { etag: string | null; last_modified: string | null };

/** A page as it was received. `bytes` is null if it has not changed since the given validators. */
export type Page = Validators & {
  /** The URL after redirects, without a fragment. */
  url: URL;
  bytes: Uint8Array | null;
  /** The media type in lower case, without parameters; empty if the host names none. */
  mediaType: string;
  charset: string | undefined;
  robotsTag: string | null;
};

export type PageClient = {
  fetch: typeof fetch;
  /** The product name in `User-Agent`, which rules in a robots.txt name. */
  agent: string;
  userAgent: string;
  wait(seconds: number): Promise<void>;
};

/** The name of our reader in a robots.txt. */
export const robotName = "Spiritforge";

/** The limits of a response: time in ms. The size is limited while it is read. */
const limits = { maxResponseBytes: Number.MAX_SAFE_INTEGER, firstByteTimeoutMs: 15_000, timeoutMs: 30_000 };

/** Creates a client for pages of the public internet. */
export function createPageClient(
  env: Pick<Env, "EGRESS_ALLOWED_HOSTS" | "PUBLIC_URL" | "DNS_RESOLVER_URL">,
  { fetch: send, wait = pause }: { fetch?: typeof fetch; wait?: PageClient["wait"] } = {},
): PageClient {
  return {
    fetch: createGuardedFetch({ ...urlSettingsOf(env), ...limits, ...(send === undefined ? {} : { fetch: send }) }),
    agent: robotName,
    userAgent: `${robotName}/1.0 (+${env.PUBLIC_URL})`,
    wait,
  };
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

export type ReadOptions = {
  /** Checks each URL before it is requested, the first one and those of redirects. @throws PageError */
  check?(url: URL): Promise<void>;
  validators?: Validators | undefined;
  maxBytes?: number;
  redirects?: number;
  accept?: string;
  /** Whether a longer body is cut instead of refused. */
  truncates?: boolean;
};

/**
 * Reads a page with GET. Each redirect is checked as a URL of its own. Errors that may pass are tried again, after the time that the host
 * asks for.
 * @throws PageError
 */
export async function readPage(client: PageClient, address: URL, options: ReadOptions = {}): Promise<Page> {
  for (let retries = 0; ; retries++) {
    try {
      return await readOnce(client, address, options);
    } catch (error) {
      const failure = asPageError(error, options.maxBytes ?? maxPageBytes);
      const wait = failure.waitSeconds ?? 2 ** retries;
      if (!failure.isPassing || failure.code === "timed_out" || retries >= maxPageRetries || wait > maxRetryWaitSeconds)
        throw failure;
      await client.wait(wait);
    }
  }
}

async function readOnce(client: PageClient, address: URL, options: ReadOptions): Promise<Page> {
  const { check, validators, maxBytes = maxPageBytes, redirects = maxRedirects, accept = acceptedTypes } = options;
  let url = withoutFragment(address);
  for (let hops = 0; ; hops++) {
    await check?.(url);
    try {
      const response = await client.fetch(url.href, {
        headers: { accept, "user-agent": client.userAgent, ...conditionsOf(validators) },
      });
      if (!response.ok) throw errorOfStatus(response);
      const { headers, body } = response;
      const [mediaType = "", ...parameters] = (headers.get("content-type") ?? "").split(";").map((part) => part.trim());
      return {
        url,
        bytes: await readBytes(body, maxBytes, options.truncates === true),
        mediaType: mediaType.toLowerCase(),
        charset: parameters.map((each) => /^charset\s*=\s*["']?([\w.:-]+)/i.exec(each)?.[1]).find((name) => name !== undefined),
        etag: shortHeader(headers.get("etag")),
        last_modified: shortHeader(headers.get("last-modified")),
        robotsTag: headers.get("x-robots-tag"),
      };
    } catch (error) {
      if (!(error instanceof EgressError) || error.reason !== "redirected") throw error;
      if (error.status === 304 && validators !== undefined)
        return { ...validators, url, bytes: null, mediaType: "", charset: undefined, robotsTag: null };
      if (hops >= redirects)
        throw new PageError("redirected", `The page has more than ${redirects} redirects. Use the final URL.`);
      url = targetOf(error, url);
    }
  }
}

const acceptedTypes = "text/html,application/xhtml+xml,text/markdown,text/plain;q=0.9,application/pdf;q=0.8,*/*;q=0.1";

function targetOf({ location, status }: EgressError, from: URL): URL {
  if (status === 304 || location === undefined || !URL.canParse(location, from))
    throw new PageError("redirected", `The page returned ${status} without a valid target.`);
  return withoutFragment(new URL(location, from));
}

/** A URL as it is requested and compared. */
export function withoutFragment(url: URL): URL {
  const copy = new URL(url);
  copy.hash = "";
  return copy;
}

function conditionsOf(validators: Validators | undefined): Record<string, string> {
  const { etag = null, last_modified = null } = validators ?? {};
  return {
    ...(etag === null ? {} : { "if-none-match": etag }),
    ...(last_modified === null ? {} : { "if-modified-since": last_modified }),
  };
}

/** A header to store and send back. A longer one is no validator. */
const shortHeader = (value: string | null): string | null =>
  value !== null && value.length <= 300 && /^[\x20-\x7e]+$/.test(value) ? value : null;

async function readBytes(body: ReadableStream<Uint8Array> | null, maxBytes: number, truncates: boolean): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const reader = createByteReader(body);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let chunk = await reader.read(); chunk !== undefined; chunk = await reader.read()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size <= maxBytes) continue;
    await reader.cancel().catch(() => undefined);
    if (!truncates) throw tooLarge(maxBytes);
    break;
  }
  const bytes = new Uint8Array(Buffer.concat(chunks));
  return bytes.length > maxBytes ? bytes.subarray(0, maxBytes) : bytes;
}

const tooLarge = (maxBytes: number) => new PageError("too_large", `The page is larger than ${maxBytes} bytes.`);

function errorOfStatus({ status, headers }: Response): PageError {
  const waitSeconds = secondsToWait(headers.get("retry-after"));
  if (status === 404 || status === 410) return new PageError("not_found", `The page does not exist (${status}).`);
  if (status === 401 || status === 403 || status === 407 || status === 451)
    return new PageError("access_denied", `The page is not public (${status}).`);
  if (status === 429) return new PageError("rate_limited", "The site limits requests (429). Try again later.", { waitSeconds });
  if (status >= 500) return new PageError("unavailable", `The site failed (${status}). Try again later.`, { waitSeconds });
  return new PageError("unreadable", `The site refused the request (${status}).`);
}

const codes = {
  refused: "url_refused",
  redirected: "redirected",
  too_large: "too_large",
  timed_out: "timed_out",
  unreachable: "unreachable",
  unresolved: "unreachable",
} as const satisfies Record<EgressError["reason"], PageProblemCode>;

function asPageError(error: unknown, maxBytes: number): PageError {
  if (error instanceof PageError) return error;
  if (!(error instanceof EgressError))
    return new PageError("unreachable", "The connection to the site broke.", { cause: error });
  if (error.reason === "too_large") return tooLarge(maxBytes);
  return new PageError(codes[error.reason], error.message, { cause: error });
}
