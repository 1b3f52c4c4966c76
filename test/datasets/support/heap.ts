import type { ByteSource, ParsedRow } from "../../../src/datasets/formats/types.ts";
import { parseRows } from "../../../src/datasets/formats/parse-file.ts";
import { RowFilter } from "../../../src/datasets/cleaning/row-filter.ts";
import type { Format } from "../../../src/datasets/formats/registry.ts";
import { batchesOf, type Row } from "../../../src/knowledge/indexing/chunk-batches.ts";
import { chunkText } from "../../../src/knowledge/chunking/chunk-text.ts";
import { seededRandom } from "../../support/random.ts";

/** A program of its own, run with `--expose-gc`, in whose heap nothing else is. It prints what it held above idle, in bytes, by what it did. */

const collect = globalThis.gc!;

const heldBytes = () => {
  // The engine holds on to the last text that an expression matched in.
  /^/.exec("");
  // The first leaves buffers to be swept beside it; the second waits for that.
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const megabyte = 2 ** 20;
const random = seededRandom(10);
const words = Array.from({ length: 5_000 }, () => Math.floor(random() * 36 ** 6).toString(36));
const sentence = (length: number) => Array.from({ length }, () => words[Math.floor(random() * words.length)]).join(" ");

/** Ten megabytes that are made while they are read, so that none of them is held by the test. */
function tenMegabytes(start: string, record: () => string, between: string, end: string): ByteSource {
  const stream = async () => {
    let left = 10 * megabyte;
    let isFirst = true;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        let chunk = isFirst ? start + record() : "";
        isFirst = false;
        while (chunk.length < 60_000) chunk += between + record();
        left -= chunk.length;
        controller.enqueue(new TextEncoder().encode(left > 0 ? chunk : chunk + end));
        if (left <= 0) controller.close();
      },
    });
  };
  const head = new TextEncoder().encode(start + record());
  return { size: 10 * megabyte, stream, read: async (from, to) => head.slice(from, to).buffer };
}

const json = () => JSON.stringify({ question: sentence(12), answer: sentence(100) });

const sources: [Format, ByteSource, number][] = [
  ["jsonl", tenMegabytes("", json, "\n", "\n"), 10_000],
  ["json", tenMegabytes("[", json, ",", "]"), 10_000],
  ["csv", tenMegabytes("question,answer", () => `\n"${sentence(12)}?","${sentence(100)}"`, "", "\n"), 10_000],
  ["text", tenMegabytes("", () => sentence(100), ".\n\n", ""), 300],
  ["html", tenMegabytes("<html><body>", () => `<p>${sentence(100)}</p>`, "\n", "</body></html>"), 300],
];

const idle = heldBytes();

/** The most that was held, and the rows, chunks or characters that were read. */
export type Held = Record<string, { most: number; rows: number }>;

/** The most that is held above idle while rows are read and something is done with each, and how many there are. */
async function mostHeld(format: Format, source: ByteSource, least: number, use: (row: ParsedRow) => Promise<unknown> | void) {
  let most = 0;
  let rows = 0;
  for await (const parsed of parseRows(source, { format, name: "file" })) {
    if ("problem" in parsed) throw new Error(parsed.problem.message);
    await use(parsed.row);
    if (rows++ % Math.ceil(least / 10) === 0) most = Math.max(most, heldBytes() - idle);
  }
  return { most, rows };
}

async function mostHeldCutting() {
  async function* rows(): AsyncGenerator<Row> {
    let index = 0;
    for await (const parsed of parseRows(sources[3]![1], { format: "text", name: "file" }))
      if ("row" in parsed) yield { index: index++, ...parsed.row };
  }
  let most = 0;
  let length = 0;
  let batches = 0;
  for await (const { chunks } of batchesOf(rows(), { strategy: "auto", chunk_size: 1_000, chunk_overlap: 100 })) {
    length += chunks.reduce((sum, { text }) => sum + text.length, 0);
    if (batches++ % 10 === 0) most = Math.max(most, heldBytes() - idle);
  }
  return { most, rows: length };
}

const tenMegabytesOfText = () => Array.from({ length: 16_000 }, () => `${sentence(100)}.`).join("\n\n");

function heldByChunks() {
  const text = tenMegabytesOfText();
  const chunks = Array.from(chunkText(text, { strategy: "auto", chunk_size: 1_000, chunk_overlap: 100 }));
  const most = heldBytes() - idle;
  return { most, rows: text.length > 10 * megabyte ? chunks.length : 0 };
}

async function mostHeldRefining() {
  const refiner = new RowFilter();
  const refined = await mostHeld("jsonl", sources[0]![1], 10_000, (row) => refiner.evaluate(row));
  return { ...refined, rows: refiner.counts.kept === refined.rows ? refined.rows : 0 };
}

const held: Held = {};
for (const [format, source, least] of sources) held[format] = await mostHeld(format, source, least, () => {});
held["text, cut"] = await mostHeldCutting();
held["one text, cut"] = heldByChunks();
held["refined"] = await mostHeldRefining();
console.log(JSON.stringify(held));
