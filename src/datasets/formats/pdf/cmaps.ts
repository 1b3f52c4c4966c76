/** A file that the PDF library asks for. */
type DataRequest = { kind: string; filename: string };

/** The predefined CMaps by name, decompressed when the first is asked for. `npm run cmaps` writes their file. */
let predefined: Promise<Map<string, Uint8Array>> | undefined;

async function readCMaps(): Promise<Map<string, Uint8Array>> {
  const { default: file } = await import("./cmaps.json", { with: { type: "json" } });
  const { brotliDecompressSync } = await import("node:zlib");
  const bytes = brotliDecompressSync(Buffer.from(file.data, "base64"));
  let start = 0;
  return new Map(
    Object.entries(file.lengths).map(([name, length]) => [name, new Uint8Array(bytes.subarray(start, (start += length)))]),
  );
}

/**
 * A class that gives the PDF library the CMaps of Chinese, Japanese and Korean fonts that the PDF does not embed.
 * @param onMissing is called with the name of a CMap that there is not: the text in its font is lost
 */
export function cmapFactory(onMissing: (name: string) => void) {
  return class {
    /** @throws Error for a file that is not a predefined CMap */
    async fetch({ kind, filename }: DataRequest): Promise<Uint8Array> {
      const name = filename.replace(/\.bcmap$/, "");
      const cmap = kind === "cMapUrl" ? (await (predefined ??= readCMaps())).get(name) : undefined;
      // The library keeps what it gets, so each document gets a copy.
      if (cmap !== undefined) return cmap.slice();
      if (kind === "cMapUrl") onMissing(name);
      throw new Error(`There is no ${kind} ${filename}.`);
    }
  };
}
