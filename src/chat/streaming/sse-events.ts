import type { UIMessageChunk } from "ai";
import { AppError } from "../../kit/errors.ts";
import { log } from "../../kit/log.ts";
import { RoomDisconnectedError, type ReceivedFrame } from "./room-socket.ts";
import type { UiMessageStreamEncoder } from "./ui-message-stream.ts";

/** An answer as server-sent events: `data` is a chunk of the UI message stream, `id` a cursor to resume from. */

/** The description in the OpenAPI document. */
export const eventsDescription =
  "The AI SDK's UI message stream (v1), as `useChat` reads it. The `id` of an event is a cursor: the `seq` of the frame and the position in the answer. Send it as `after` or `Last-Event-ID` to resume.";

/** The headers that `useChat` expects. Proxies must not buffer the stream. */
export const eventStreamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
  "x-vercel-ai-ui-message-stream": "v1",
} as const;

const heartbeatMs = 15_000;

/** The position of a client: the last `seq` it received, and its position in the answer. */
export type StreamCursor = { seq: number; position: string };

const cursorPattern = /^(\d{1,15})(?:-([a-z\d.-]{1,40}))?$/;

/** Parses a `seq` (`57`) or the `id` of an event (`57-…`). @returns undefined for anything else */
export function readCursor(text: string): StreamCursor | undefined {
  const [, seq, position = ""] = cursorPattern.exec(text) ?? [];
  return seq === undefined ? undefined : { seq: Number(seq), position };
}

const writeCursor = ({ seq, position }: StreamCursor): string => `${seq}-${position}`;

const doneEvent = "data: [DONE]\n\n";

/** Encodes the chunks of one frame. Only the last event has an `id`: clients resume after whole frames. */
export function encodeSse(chunks: readonly UIMessageChunk[], cursor?: StreamCursor): string {
  const events = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n`);
  const id = cursor === undefined ? "" : `id: ${writeCursor(cursor)}\n`;
  return events.map((event, index) => `${event}${index === events.length - 1 ? id : ""}\n`).join("");
}

/** Encodes a finished answer. */
export function encodeCompleteAnswer(answer: UiMessageStreamEncoder, chunks: readonly UIMessageChunk[], seq: number): string {
  return `${encodeSse(chunks, { seq, position: answer.position })}${doneEvent}`;
}

/** A source of frames. `next` returns undefined after `close`. */
export type FrameSource = { next(): Promise<ReceivedFrame | undefined>; close(): void };

/**
 * Streams an answer as server-sent events, as fast as the client reads. A disconnecting client closes the source but does not stop the turn.
 * @param everyMs the interval of keep-alive comments
 * @param requestId the request that is answered, for the log
 */
export function createSseStream(
  answer: UiMessageStreamEncoder,
  source: FrameSource,
  everyMs = heartbeatMs,
  requestId?: string,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let heartbeat: ReturnType<typeof setInterval> | undefined;
  const end = () => {
    clearInterval(heartbeat);
    source.close();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode(`: stream-open\n\n${encodeSse(answer.begin())}`));
        heartbeat = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(": keep-alive\n\n"));
        }, everyMs);
      },
      async pull(controller) {
        const events = await nextEvents(answer, source, requestId);
        if (events !== undefined) controller.enqueue(encoder.encode(events));
        if (events !== undefined && !answer.isDone) return;
        end();
        controller.close();
      },
      cancel: end,
    },
    { highWaterMark: 1 },
  );
}

/** The events of the next frame that belongs to the answer; undefined after the last frame. */
async function nextEvents(
  answer: UiMessageStreamEncoder,
  source: FrameSource,
  requestId: string | undefined,
): Promise<string | undefined> {
  try {
    for (;;) {
      const frame = await source.next();
      if (frame === undefined) return undefined;
      const chunks = answer.encode(frame);
      if (chunks.length === 0) continue;
      const events = encodeSse(chunks, { seq: frame.seq, position: answer.position });
      return answer.isDone ? events + doneEvent : events;
    }
  } catch (error) {
    if (!(error instanceof RoomDisconnectedError || error instanceof AppError))
      log("error", "An answer could not be streamed.", { request_id: requestId, error });
    const detail =
      error instanceof RoomDisconnectedError || error instanceof AppError
        ? error.message
        : "Internal server error. Try again later.";
    // No `id`: the client can resume from its last cursor.
    return encodeSse(answer.abort(detail)) + doneEvent;
  }
}
