/** A request of a run, complete: what it sends, and who sends it. */
export type FuzzRequest = {
  /** The operation that it was made for. */
  operationId: string;
  method: string;
  /** The path with its query, encoded. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array | undefined;
  /** The `Content-Length` in place of the right one. */
  contentLength?: number;
  sender: string;
  /** Whether the request reaches its operation, so that the documented replies apply. */
  isExact: boolean;
};

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The request as a command line. Bytes that a shell cannot hold are written by printf. */
export function curlOf(base: string | URL, { method, path, headers, body, contentLength }: FuzzRequest): string {
  const url = new URL(base).origin + path;
  const shown = { ...headers, ...(contentLength === undefined ? {} : { "content-length": String(contentLength) }) };
  const parts = [
    `curl -i -X ${method} ${quote(url)}`,
    ...Object.entries(shown).map(([name, value]) => `-H ${quote(`${name}: ${shorten(value)}`)}`),
  ];
  if (body === undefined) return parts.join(" \\\n  ");
  const text = Buffer.from(body).toString();
  const isText = Buffer.from(text).equals(Buffer.from(body)) && !text.includes("\0");
  const octal = () => Array.from(body.subarray(0, 2_000), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  if (!isText) return `printf ${quote(octal())} | ${[...parts, "--data-binary @-"].join(" \\\n  ")}`;
  return [...parts, `--data-raw ${quote(shorten(text))}`].join(" \\\n  ");
}

/** Long values are shown by their beginning and their length. */
const shorten = (text: string): string =>
  text.length <= 2_000 ? text : `${text.slice(0, 500)} … (${text.length.toLocaleString("en")} characters)`;
