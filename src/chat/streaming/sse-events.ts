import type { UIMessageChunk } from "ai";
import { AppError } from "../../kit/errors.ts";
import { log } from "../../kit/log.ts";
import { RoomDisconnectedError, type ReceivedFrame } from "./room-socket.ts";
import type { UiMessageStreamEncoder } from "./ui-message-stream.ts";

/** An answer as server-sent events: `data` is a chunk of the UI message stream, `id` a cursor from which a client goes on. */

/** What routes say of them in the document. */
export const eventsDescription =
  "The AI SDK's UI message stream (v1), as `useChat` reads it. The `id` of an event is a cursor: the `seq` of the frame and the position in the answer. Send it as `after` or `Last-Event-ID` to resume.";

/** What `useChat` and its kin look for. Proxies are asked to hold nothing back. */
export const eventStreamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
  "x-vercel-ai-ui-message-stream": "v1",
} as const;

const heartbeatMs = 15_000;

/** Where a client is: the last number that it heard, and its place in the answer. */
export type StreamCursor = { seq: number; position: string };

const cursorPattern = /^(\d{1,15})(?:-([a-z\d.-]{1,40}))?$/;

/** `57`, or `57-…` as the `id` of an event has it. @returns undefined for what is neither */
export function readCursor(text: string): StreamCursor | undefined {
  const [, seq, place = ""] = cursorPattern.exec(text) ?? [];
  return seq === undefined ? undefined : { seq: Number(seq), position: place };
}

const writeCursor = ({ seq, position: place }: StreamCursor): string => `${seq}-${place}`;

const doneEvent = "data: [DONE]\n\n";

/** The events of chunks that came of one frame. The last of them says where a client is then: it goes on behind whole frames. */
export function encodeSse(chunks: readonly UIMessageChunk[], cursor?: StreamCursor): string {
  const events = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n`);
  const id = cursor === undefined ? "" : `id: ${writeCursor(cursor)}\n`;
  return events.map((event, index) => `${event}${index === events.length - 1 ? id : ""}\n`).join("");
}

/** The events of an answer that is told at once. */
export function encodeCompleteAnswer(answer: UiMessageStreamEncoder, chunks: readonly UIMessageChunk[], seq: number): string {
  return `${encodeSse(chunks, { seq, position: answer.position })}${doneEvent}`;
}

/** What is heard of a room: the next frame, or undefined once it is closed. */
export type FrameSource = { next(): Promise<ReceivedFrame | undefined>; close(): void };

/**
 * Tells an answer as it is heard, as fast as it is read. A client that goes away ends the hearing, and stops nothing.
 * @param everyMs how often a comment shows that the line stands
 */
export function createSseStream(
  answer: UiMessageStreamEncoder,
  hearing: FrameSource,
  everyMs = heartbeatMs,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let heartbeat: ReturnType<typeof setInterval> | undefined;
  const end = () => {
    clearInterval(heartbeat);
    hearing.close();
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
        const events = await nextEvents(answer, hearing);
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

/** The events of the next frame that tells something of the answer; undefined where no more can come. */
async function nextEvents(answer: UiMessageStreamEncoder, hearing: FrameSource): Promise<string | undefined> {
  try {
    for (;;) {
      const frame = await hearing.next();
      if (frame === undefined) return undefined;
      const chunks = answer.encode(frame);
      if (chunks.length === 0) continue;
      const events = encodeSse(chunks, { seq: frame.seq, position: answer.position });
      return answer.isDone ? events + doneEvent : events;
    }
  } catch (error) {
    if (!(error instanceof RoomDisconnectedError || error instanceof AppError))
      log("error", "An answer could not be streamed.", { error });
    const detail =
      error instanceof RoomDisconnectedError || error instanceof AppError
        ? error.message
        : "Internal server error. Try again later.";
    // Without an id: where the client was, it can go on from.
    return encodeSse(answer.abort(detail)) + doneEvent;
  }
}
