import { expect, test } from "vitest";
import { createByteReader, type ByteReader } from "../../../src/kit/async/streams.ts";

const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251);

async function readAll(reader: ByteReader): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for (let piece = await reader.read(); piece !== undefined; piece = await reader.read()) pieces.push(piece);
  return pieces;
}

test("a byte stream is read in independent chunks of at most 64 KiB", async () => {
  const pieces = await readAll(createByteReader(new Blob([bytes]).stream()));
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  expect(Math.max(...pieces.map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(64 * 1024);
});

test("received bytes are returned without waiting for more", async () => {
  let enqueue!: (text: string) => void;
  const stream = new ReadableStream({
    type: "bytes",
    start(controller) {
      enqueue = (text) => controller.enqueue(new TextEncoder().encode(text));
    },
  });
  const reader = createByteReader(stream);
  for (const text of ["one", "and another"]) {
    const read = reader.read();
    enqueue(text);
    expect(new TextDecoder().decode(await read)).toBe(text);
  }
});

test("a stream of chunks returns those chunks", async () => {
  const made = [bytes.slice(0, 3), bytes.slice(3, 100_000)];
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of made) controller.enqueue(piece);
      controller.close();
    },
  });
  expect(await readAll(createByteReader(stream))).toEqual(made);
});

test.each(["bytes", undefined] as const)("canceling the reader cancels the source (%s)", async (type) => {
  let reason: unknown;
  const cancel = (why: unknown) => void (reason = why);
  const stream = type === undefined ? new ReadableStream<Uint8Array>({ cancel }) : new ReadableStream({ type, cancel });
  await createByteReader(stream).cancel("enough");
  expect(reason).toBe("enough");
});

test.each(["bytes", undefined] as const)("an error of the source reaches the reader (%s)", async (type) => {
  const start = (controller: { error(cause: unknown): void }) => controller.error(new Error("broken"));
  const stream = type === undefined ? new ReadableStream<Uint8Array>({ start }) : new ReadableStream({ type, start });
  await expect(createByteReader(stream).read()).rejects.toThrow("broken");
});
