/** A stream of the values of a generator. The generator runs only as far as the stream is read, and ends when the stream is canceled. */
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
  /** The next bytes, at most 64 KiB; undefined at the end. */
  read(): Promise<Uint8Array | undefined>;
  cancel(reason?: unknown): Promise<void>;
};

/** Reads all available bytes at once. By default, a body in workerd returns 4 KiB per read, and every read has a cost. */
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
      // The buffer is returned and reused for the next read.
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
    // A stream of JavaScript chunks returns those chunks.
    return undefined;
  }
}

/** Reads a body as UTF-8. @throws RangeError at the first byte beyond `maxBytes` */
export async function readText(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new RangeError(`The body has more than ${maxBytes} bytes.`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
