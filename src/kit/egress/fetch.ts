import { AppError, PublicError, type CommonErrorCode } from "../errors.ts";
import { resolvesToPublicAddress } from "./addresses.ts";
import { targetError, isAllowed, type HostSettings } from "./urls.ts";
import { createByteReader } from "../async/streams.ts";

export { urlError as faultOfUrl, type HostSettings } from "./urls.ts";

export type EgressSettings = HostSettings & {
  /** What the body of a response may weigh, decompressed, in bytes. */
  maxResponseBytes: number;
  /** How long a call may take until the headers of its response are there, in milliseconds. */
  firstByteTimeoutMs: number;
  /** How long it may take until its last byte is read, in milliseconds. */
  timeoutMs: number;
  /** DNS over HTTPS, see `resolvesPublicly`; without it, or empty, names are not looked up. */
  resolverUrl?: string;
  /** What calls go out through in the end: by default the platform's. */
  fetch?: typeof fetch;
};

/** Why a call did not go out or did not come back: what it asks for is not allowed, or who was called did not behave. */
export type EgressReason = "refused" | "redirected" | "too_large" | "timed_out" | "unreachable";

/** A call that the guard ended. Its message is in our words: neither the other side's, nor any header of the call. */
export class EgressError extends PublicError {
  override readonly name = "EgressError";
  readonly reason: EgressReason;
  /** What the other side answered, where it did. */
  readonly status: number | undefined;

  constructor(reason: EgressReason, message: string, { status, cause }: { status?: number; cause?: unknown } = {}) {
    super(message, { cause: nameOf(cause) });
    this.reason = reason;
    this.status = status;
  }

  /** Whether the same call can succeed later. */
  get retryable(): boolean {
    return this.reason === "timed_out" || this.reason === "unreachable";
  }

  override get failure(): AppError {
    return new AppError(codes[this.reason], this.message);
  }
}

/** What clients are told of each reason. */
const codes = {
  refused: "egress_refused",
  redirected: "egress_refused",
  too_large: "provider_unavailable",
  timed_out: "provider_timed_out",
  unreachable: "provider_unavailable",
} as const satisfies Record<EgressReason, CommonErrorCode>;

/** Only the name of what went wrong: the message of a refused header quotes the header, that of a connection its address. */
function nameOf(cause: unknown): Error | undefined {
  return cause instanceof Error ? new Error(cause.name) : undefined;
}

/**
 * The `fetch` for addresses that users give: judges where a call goes, follows no redirect, bounds the response in size and
 * time, and replaces the body of an error by the status in our words, see `sanitizedError`. A caller's own abort is passed on as it is.
 * @throws EgressError, when called and while the body is read
 */
export function createGuardedFetch(settings: EgressSettings): typeof fetch {
  const send = settings.fetch ?? fetch;
  return async (input, init) => {
    const clock = startClock(settings, init?.signal ?? (input instanceof Request ? input.signal : undefined));
    const bounds = { redirect: "manual", signal: clock.signal } as const;
    try {
      const url = await judged(input instanceof Request ? input.url : input, settings);
      // The URL as it was judged, so that nothing is left to a second reading of its text.
      const call = input instanceof Request ? send(new Request(input, init), bounds) : send(url.href, { ...init, ...bounds });
      const response = await call;
      clock.firstByte();
      return answer(response, settings, clock);
    } catch (error) {
      throw clock.fail(error);
    }
  };
}

/** @throws EgressError if a call may not go there */
async function judged(target: string | URL, settings: EgressSettings): Promise<URL> {
  if (!URL.canParse(target)) throw new EgressError("refused", "The URL is invalid.");
  const url = new URL(target);
  const fault = targetError(url, settings);
  if (fault !== undefined) throw new EgressError("refused", `The URL ${fault}.`);
  const { resolverUrl, fetch: send = fetch } = settings;
  if (!resolverUrl || isAllowed(url, settings)) return url;
  if (await resolvesToPublicAddress(url.hostname, { resolverUrl, fetch: send })) return url;
  throw new EgressError("refused", "The URL must name a host on the public internet.");
}

type Clock = ReturnType<typeof startClock>;

/** The deadlines of one call, joined to its caller's signal. */
function startClock({ firstByteTimeoutMs, timeoutMs }: EgressSettings, callers: AbortSignal | null | undefined) {
  const ours = new AbortController();
  const failAfter = (ms: number, what: string) =>
    setTimeout(() => ours.abort(new EgressError("timed_out", `The host did not ${what} within ${ms} ms.`)), ms);
  const timers = [failAfter(timeoutMs, "finish"), failAfter(firstByteTimeoutMs, "answer")] as const;
  const stop = () => timers.forEach((timer) => clearTimeout(timer));
  return {
    signal: callers ? AbortSignal.any([ours.signal, callers]) : ours.signal,
    firstByte: () => clearTimeout(timers[1]),
    stop,
    /** Stops the clock, and tells an error for what it is: the caller's abort, a deadline, our refusal, or a broken connection. */
    fail(error: unknown): unknown {
      stop();
      if (callers?.aborted) return callers.reason;
      if (ours.signal.aborted) return ours.signal.reason;
      if (error instanceof EgressError) return error;
      return new EgressError("unreachable", "The connection to the host failed.", { cause: error });
    },
  };
}

function answer(response: Response, { maxResponseBytes }: EgressSettings, clock: Clock): Response {
  const { status, headers, body } = response;
  if (response.ok && body !== null) {
    return new Response(bounded(body, maxResponseBytes, clock), { status, headers });
  }
  clock.stop();
  void body?.cancel().catch(() => undefined);
  if (status >= 300 && status < 400) {
    throw new EgressError(
      "redirected",
      `The host returned a redirect (${status}). Redirects are not followed: use the final URL.`,
      { status },
    );
  }
  return response.ok ? response : sanitizedError(response);
}

/** Headers of an error that callers act upon, or ask the host about. */
const headersOfErrors = /retry-after|ratelimit|request-id/;

/** A response that is an error, told in our words: its status, when to come back, and for a body nothing. */
function sanitizedError({ status, headers }: Response): Response {
  const kept = [...headers].filter(([name]) => headersOfErrors.test(name));
  return new Response(null, { status, statusText: `The host returned ${status}.`, headers: kept });
}

/** A body that fails once it is longer than `maxBytes`, or its clock runs out. */
function bounded(body: ReadableStream<Uint8Array>, maxBytes: number, clock: Clock): ReadableStream<Uint8Array> {
  const reader = createByteReader(body);
  let bytes = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const value = await reader.read();
        bytes += value?.byteLength ?? 0;
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
