/** What a generator yields, as a stream: it goes on only as far as is read, and ends where nobody reads on. */
export function streamFromGenerator<T>(source: AsyncGenerator<T>): ReadableStream<T> {
  return new ReadableStream<T>({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await source.return(undefined);
    },
  });
}

/** One read at a time, and none after the end. */
export type ByteReader = {
  /** What comes next, 64 KiB at most; undefined at the end. */
  read(): Promise<Uint8Array | undefined>;
  cancel(reason?: unknown): Promise<void>;
};

/** Reads bytes in as large pieces as have come: by itself, a body of workerd gives 4 KiB at a time, and every piece costs its way. */
export function createByteReader(body: ReadableStream<Uint8Array>): ByteReader {
  const reader = byobReaderOf(body);
  if (reader === undefined) {
    const plain = body.getReader();
    return { read: async () => (await plain.read()).value, cancel: (reason) => plain.cancel(reason) };
  }
  let buffer = new ArrayBuffer(64 * 1024);
  return {
    async read() {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) return undefined;
      // The buffer comes back, for the next piece.
      buffer = value.buffer;
      return value.slice();
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

function byobReaderOf(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    // A stream that was made of pieces gives those.
    return undefined;
  }
}
