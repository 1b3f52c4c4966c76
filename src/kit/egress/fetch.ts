import { AppError, PublicError, type CommonErrorCode } from "../errors.ts";
import { resolveHost, type Resolution } from "./resolver.ts";
import { targetError, isAllowed, urlError, type HostSettings } from "./urls.ts";
import { createByteReader } from "../async/streams.ts";

export type UrlSettings = HostSettings & {
  /** DNS-over-HTTPS resolver, see `resolveHost`. Empty or absent: host names are not looked up. */
  resolverUrl?: string;
  /** The `fetch` that sends calls. Default: the one of the platform. */
  fetch?: typeof fetch;
};

export type EgressSettings = UrlSettings & {
  /** How much of the body of an error response is kept, in bytes. Default: none. The caller must not show it. */
  maxErrorBytes?: number;
  /** Maximum size of a response body after decompression, in bytes. */
  maxResponseBytes: number;
  /** Timeout for the response headers, in milliseconds. */
  firstByteTimeoutMs: number;
  /** Timeout for the whole response, in milliseconds. */
  timeoutMs: number;
};

/** Why a call failed: it is not allowed, or the host did not respond correctly. */
export type EgressReason = "refused" | "redirected" | "too_large" | "timed_out" | "unreachable" | "unresolved";

/** A call that the guard stopped. The message contains no text of the host and no header of the call. */
export class EgressError extends PublicError {
  override readonly name = "EgressError";
  readonly reason: EgressReason;
  /** The status of the response, if there is one. */
  readonly status: number | undefined;
  /** Where a redirect points to, if the host says it. The caller must check it, and must not show it to others. */
  readonly location: string | undefined;

  constructor(
    reason: EgressReason,
    message: string,
    { status, location, cause }: { status?: number; location?: string | null; cause?: unknown } = {},
  ) {
    super(message, { cause: nameOf(cause) });
    this.reason = reason;
    this.status = status;
    this.location = location ?? undefined;
  }

  /** Whether the same call can succeed later. */
  get retryable(): boolean {
    return this.reason === "timed_out" || this.reason === "unreachable" || this.reason === "unresolved";
  }

  override get failure(): AppError {
    return new AppError(codes[this.reason], this.message);
  }
}

/** The error code of each reason. */
const codes = {
  refused: "egress_refused",
  redirected: "egress_refused",
  too_large: "provider_unavailable",
  timed_out: "provider_timed_out",
  unreachable: "provider_unavailable",
  unresolved: "provider_unavailable",
} as const satisfies Record<EgressReason, CommonErrorCode>;

/** Only the name of the cause: the message of a header error quotes the header, that of a connection error the address. */
function nameOf(cause: unknown): Error | undefined {
  return cause instanceof Error ? new Error(cause.name) : undefined;
}

/**
 * Creates a `fetch` for URLs from users. It checks the URL, follows no redirect, limits the size and time of the response, and
 * removes the body of an error response, see `sanitizedError`. An abort by the caller is passed on unchanged.
 * @throws EgressError, from the call and while the body is read
 */
export function createGuardedFetch(settings: EgressSettings): typeof fetch {
  const send = settings.fetch ?? fetch;
  return async (input, init) => {
    const clock = startClock(settings, init?.signal ?? (input instanceof Request ? input.signal : undefined));
    const bounds = { redirect: "manual", signal: clock.signal } as const;
    try {
      const url = await checkUrl(input instanceof Request ? input.url : input, settings, clock.signal);
      // Calls the checked URL, so that no second parser reads the original text.
      const call = input instanceof Request ? send(new Request(input, init), bounds) : send(url.href, { ...init, ...bounds });
      const response = await call;
      clock.firstByte();
      return answer(response, settings, clock);
    } catch (error) {
      throw clock.fail(error);
    }
  };
}

/** @throws EgressError if the URL must not be called, or its host has no address */
async function checkUrl(target: string | URL, settings: UrlSettings, signal: AbortSignal): Promise<URL> {
  if (!URL.canParse(target)) throw new EgressError("refused", "The URL is invalid.");
  const url = new URL(target);
  const fault = targetError(url, settings);
  if (fault !== undefined) throw new EgressError("refused", `The URL ${fault}.`);
  const resolution = await resolve(url, settings, signal);
  if (resolution === "private") throw new EgressError("refused", `The URL ${notPublic}.`);
  if (resolution === "none") throw new EgressError("unresolved", "The host has no IP address. Check its name.");
  if (resolution === "unanswered") {
    throw new EgressError("unresolved", "The IP address of the host could not be looked up. Try again later.");
  }
  return url;
}

const notPublic = "must name a host on the public internet";

/** What the host of a URL resolves to; undefined if it is not looked up. */
async function resolve(
  url: URL,
  { resolverUrl, fetch: send = fetch, ...hosts }: UrlSettings,
  signal?: AbortSignal,
): Promise<Resolution | undefined> {
  if (!resolverUrl || isAllowed(url, hosts)) return undefined;
  return resolveHost(url.hostname, { resolverUrl, fetch: send, ...(signal === undefined ? {} : { signal }) });
}

/**
 * The fault of a base URL from a user, as a text that follows its name: see `urlError`, or a host that resolves to an address that is
 * not public. A host that does not resolve has no fault, because each call looks it up again.
 */
export async function faultOfUrl(text: string, settings: UrlSettings): Promise<string | undefined> {
  return urlError(text, settings) ?? ((await resolve(new URL(text), settings)) === "private" ? notPublic : undefined);
}

/** The fault of the URL of a page from a user, as a text that follows its name. It may have a query. Otherwise as `faultOfUrl`. */
export async function faultOfPageUrl(url: URL, settings: UrlSettings): Promise<string | undefined> {
  return targetError(url, settings) ?? ((await resolve(url, settings)) === "private" ? notPublic : undefined);
}

/** The settings for URLs of users, from the environment. */
export function urlSettingsOf({
  EGRESS_ALLOWED_HOSTS,
  PUBLIC_URL,
  DNS_RESOLVER_URL,
}: {
  EGRESS_ALLOWED_HOSTS: readonly string[];
  PUBLIC_URL: string;
  DNS_RESOLVER_URL: string;
}): UrlSettings {
  return { allowedHosts: EGRESS_ALLOWED_HOSTS, ownHosts: [new URL(PUBLIC_URL).host], resolverUrl: DNS_RESOLVER_URL };
}

type Clock = ReturnType<typeof startClock>;

/** The timeouts of one call, combined with the signal of its caller. */
function startClock({ firstByteTimeoutMs, timeoutMs }: EgressSettings, callers: AbortSignal | null | undefined) {
  const timeouts = new AbortController();
  const failAfter = (ms: number, what: string) =>
    setTimeout(() => timeouts.abort(new EgressError("timed_out", `The host did not ${what} within ${ms} ms.`)), ms);
  const timers = [failAfter(timeoutMs, "finish"), failAfter(firstByteTimeoutMs, "answer")] as const;
  const stop = () => timers.forEach((timer) => clearTimeout(timer));
  return {
    signal: callers ? AbortSignal.any([timeouts.signal, callers]) : timeouts.signal,
    firstByte: () => clearTimeout(timers[1]),
    stop,
    /** Stops the clock, and returns the real error: the abort of the caller, a timeout, a refusal, or a broken connection. */
    fail(error: unknown): unknown {
      stop();
      if (callers?.aborted) return callers.reason;
      if (timeouts.signal.aborted) return timeouts.signal.reason;
      if (error instanceof EgressError) return error;
      return new EgressError("unreachable", "The connection to the host failed.", { cause: error });
    },
  };
}

function answer(response: Response, { maxResponseBytes, maxErrorBytes = 0 }: EgressSettings, clock: Clock): Response {
  const { status, headers, body } = response;
  if (response.ok && body !== null) {
    return new Response(bounded(body, maxResponseBytes, clock), { status, headers });
  }
  if (maxErrorBytes > 0 && status >= 400 && body !== null)
    return sanitizedError(response, bounded(body, maxErrorBytes, clock, "truncates"));
  clock.stop();
  void body?.cancel().catch(() => undefined);
  if (status >= 300 && status < 400) {
    throw new EgressError(
      "redirected",
      `The host returned a redirect (${status}). Redirects are not followed: use the final URL.`,
      { status, location: headers.get("location") },
    );
  }
  return response.ok ? response : sanitizedError(response);
}

/** Headers of an error response that callers need. */
const headersOfErrors = /retry-after|ratelimit|request-id/;

/** An error response: only the status, the allowed headers and, if it is kept, the start of its body. */
function sanitizedError({ status, headers }: Response, body: ReadableStream<Uint8Array> | null = null): Response {
  const allowedHeaders = [...headers].filter(([name]) => headersOfErrors.test(name));
  return new Response(body, { status, statusText: `The host returned ${status}.`, headers: allowedHeaders });
}

/** A body that fails or ends when it is longer than `maxBytes`, and fails when it takes longer than the timeout. */
function bounded(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  clock: Clock,
  beyond: "fails" | "truncates" = "fails",
): ReadableStream<Uint8Array> {
  const reader = createByteReader(body);
  let bytes = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const value = await reader.read();
        bytes += value?.byteLength ?? 0;
        if (bytes > maxBytes && beyond === "truncates" && value !== undefined) {
          clock.stop();
          void reader.cancel().catch(() => undefined);
          controller.enqueue(value.subarray(0, value.byteLength - (bytes - maxBytes)));
          return controller.close();
        }
        if (bytes > maxBytes) throw new EgressError("too_large", `The response of the host is larger than ${maxBytes} bytes.`);
        if (value !== undefined) return controller.enqueue(value);
        clock.stop();
        controller.close();
      } catch (error) {
        void reader.cancel().catch(() => undefined);
        controller.error(clock.fail(error));
      }
    },
    async cancel(reason) {
      clock.stop();
      await reader.cancel(reason);
    },
  });
}
