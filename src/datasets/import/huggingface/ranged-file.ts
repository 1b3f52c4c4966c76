import type { RandomAccess } from "../../formats/types.ts";
import { callHf, failureOfReply, HfRejectedError, type HfClient, type HubFile } from "./client.ts";

/** Hugging Face files, read with range requests: https://huggingface.co/docs/dataset-viewer/parquet says where they are. */

/** Maximum redirects, and the timeout of each range request in ms. */
const maxRedirects = 4;
const pieceMs = 60_000;

/** Whether a URL is allowed: Hugging Face, its storage, or the configured server. */
export function isHubAddress(url: URL, baseUrl: string): boolean {
  const { protocol, host } = new URL(baseUrl);
  if (url.protocol === protocol && url.host === host) return true;
  return url.protocol === "https:" && url.port === "" && /(?:^|\.)(?:huggingface\.co|hf\.co)$/.test(url.hostname);
}

/**
 * A file as a source. Redirects are resolved once. Its methods throw HfRejectedError, and the retryable provider_unavailable and
 * provider_rate_limited.
 */
export function rangedSource(hub: HfClient, { url, size }: HubFile): Required<RandomAccess> {
  let at = url;
  let buffered = { start: 0, end: 0, bytes: new ArrayBuffer(0) };
  const fetchRange = (start: number, end: number) =>
    callHf(async () => {
      for (let redirects = 0; ; redirects += 1) {
        const headers = { range: `bytes=${start}-${end - 1}` };
        const reply = await hub.fetch(assertAllowedUrl(at, hub), {
          headers,
          redirect: "manual",
          signal: AbortSignal.timeout(pieceMs),
        });
        const target = reply.headers.get("location");
        if (reply.status < 300 || reply.status >= 400 || target === null) return bytesOf(reply, end - start);
        await reply.body?.cancel();
        if (redirects === maxRedirects)
          throw new HfRejectedError(`Hugging Face redirects its Parquet files more than ${maxRedirects} times.`);
        at = URL.parse(target, at)?.href ?? target;
      }
    });
  return {
    size,
    async hold(start, end) {
      buffered = { start: 0, end: 0, bytes: new ArrayBuffer(0) };
      buffered = { start, end, bytes: await fetchRange(start, end) };
    },
    async read(start, end) {
      if (end <= start) return new ArrayBuffer(0);
      if (start < buffered.start || end > buffered.end) return fetchRange(start, end);
      return buffered.bytes.slice(start - buffered.start, end - buffered.start);
    },
  };
}

function assertAllowedUrl(address: string, hub: HfClient): URL {
  const url = URL.parse(address);
  if (url !== null && isHubAddress(url, hub.baseUrl)) return url;
  throw new HfRejectedError("The dataset's Parquet files are not on a Hugging Face host.");
}

/** The bytes of a range response, which must have exactly the requested length. */
async function bytesOf(reply: Response, length: number): Promise<ArrayBuffer> {
  if (!reply.ok) throw failureOfReply(reply, "");
  if (reply.status !== 206) {
    await reply.body?.cancel();
    throw new HfRejectedError("The server of the dataset's Parquet files does not support range requests.");
  }
  const bytes = new Uint8Array(length);
  let size = 0;
  for await (const chunk of (reply.body ?? []) as AsyncIterable<Uint8Array>) {
    if (size + chunk.length > length) throw new Error("The range response is longer than requested.");
    bytes.set(chunk, size);
    size += chunk.length;
  }
  if (size < length) throw new Error("The range response is shorter than requested.");
  return bytes.buffer;
}
