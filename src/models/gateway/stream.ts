import type { LanguageModelV4Prompt, LanguageModelV4StreamPart, LanguageModelV4Usage } from "@ai-sdk/provider";
import type { GatewayCall } from "./call.ts";
import { ProviderError } from "./errors.ts";
import { isBrokenOff, normalizeFinishReason } from "./finish-reason.ts";
import { stripSeparators } from "./coalesced-deltas.ts";
import { normalizeUsage } from "./provider-numbers.ts";
import { estimateUsage } from "./tokens.ts";
import { tokenCounts, uncounted } from "./usage-record.ts";

type Part = LanguageModelV4StreamPart;
type Reader = ReadableStreamDefaultReader<Part>;

/** A stream read up to its first token. Until then, the call can switch to another model. */
export type PrefetchedStream = { held: Part[]; reader: Reader };

const preamble: ReadonlySet<Part["type"]> = new Set(["stream-start", "response-metadata", "raw", "ping", "text-start"]);

/** Checks whether a part precedes the first token. */
export function isPreamble({ type }: Part): boolean {
  return preamble.has(type);
}

/** Returns a `read` that rejects with the reason of the signal once it aborts. It adds one listener for all reads. */
function untilStopped(reader: Reader, signal: AbortSignal): Reader["read"] {
  let refuse: ((reason: unknown) => void) | undefined;
  signal.addEventListener("abort", () => refuse?.(signal.reason), { once: true });
  return () =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      refuse = reject;
      reader.read().then(resolve, reject);
    });
}

/** Buffers the stream up to its first token. @throws an error before the first token */
export async function bufferUntilFirstToken(stream: ReadableStream<Part>, signal: AbortSignal): Promise<PrefetchedStream> {
  const reader = stream.getReader();
  const held: Part[] = [];
  try {
    const read = untilStopped(reader, signal);
    do held.push(await nextPart(read));
    while (isPreamble(held.at(-1)!));
    return { held, reader };
  } catch (cause) {
    void reader.cancel(cause).catch(() => {});
    throw cause;
  }
}

/** Reads the next part. @throws the error in an error part, or an error for a truncated stream */
async function nextPart(read: Reader["read"]): Promise<Part> {
  const { value: part } = await read();
  if (part?.type === "error") throw part.error;
  if (part === undefined || (part.type === "finish" && isBrokenOff(part.finishReason)))
    throw new Error("The stream was truncated.");
  return part;
}

/** Forwards the stream. It cannot switch to another model any more, so a failure becomes the last part. */
export function pipeStream(
  { held, reader }: PrefetchedStream,
  call: GatewayCall<unknown>,
  prompt: LanguageModelV4Prompt,
): ReadableStream<Part> {
  let text = "";
  const tokens = (usage: LanguageModelV4Usage = uncounted) =>
    tokenCounts(usage, () => estimateUsage(prompt, stripSeparators(text)));
  const silence = createStallTimer(call);
  const read = untilStopped(reader, call.signal);
  return new ReadableStream<Part>(
    {
      async pull(controller) {
        try {
          const part = held.shift() ?? (await silence.during(() => nextPart(read)));
          if ("delta" in part) text += part.delta;
          if (part.type !== "finish") return controller.enqueue(part);
          silence.end();
          call.complete(tokens(part.usage));
          const finishReason = normalizeFinishReason(part.finishReason);
          controller.enqueue({ ...part, finishReason, usage: normalizeUsage(part.usage) });
          controller.close();
        } catch (cause) {
          silence.end();
          void reader.cancel(cause).catch(() => {});
          const failure = call.fail(cause, tokens());
          if (!(failure instanceof ProviderError)) return controller.error(failure);
          controller.enqueue({ type: "error", error: failure });
          controller.close();
        }
      },
      async cancel(reason) {
        silence.end();
        call.cancel(tokens());
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Aborts a call whose model is silent for too long while the stream is read. Preamble parts do not end a silence. It uses one timer
 * that checks again when the silence could be too long, not one timer per part.
 */
function createStallTimer(call: GatewayCall<unknown>) {
  const { stallTimeoutMs: silenceMs } = call;
  let isListening = false;
  let since = performance.now();
  let handedOverAt = since;
  let timer: ReturnType<typeof setTimeout> | undefined;
  function look(limit: number): void {
    const left = since + limit - performance.now();
    if (left <= 0 && isListening) return call.abort();
    timer = setTimeout(() => look(limit), left > 0 ? left : limit);
  }
  if (silenceMs !== undefined) look(silenceMs);
  return {
    async during(next: () => Promise<Part>): Promise<Part> {
      if (silenceMs === undefined) return next();
      // The time that the reader takes is not silence of the model.
      since += performance.now() - handedOverAt;
      isListening = true;
      const part = await next();
      isListening = false;
      handedOverAt = performance.now();
      if (!isPreamble(part)) since = handedOverAt;
      return part;
    },
    end: () => clearTimeout(timer),
  };
}
