import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { type ByteSource, type ParsedRow, parseRows } from "../../src/datasets/parsing.ts";
import { Refiner } from "../../src/datasets/refining.ts";
import type { Format } from "../../src/datasets/kinds.ts";
import { batchesOf, type Row } from "../../src/knowledge/batches.ts";
import { chunkText } from "../../src/knowledge/chunking.ts";
import { seededRandom } from "../support/random.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const heldBytes = () => {
  // The engine holds on to the last text that an expression matched in.
  /^/.exec("");
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

/** The most that is held above idle while rows are read and something is done with each, and how many there are. */
async function mostHeld(format: Format, source: ByteSource, least: number, use: (row: ParsedRow) => Promise<unknown> | void) {
  let most = 0;
  let rows = 0;
  for await (const parsed of parseRows(source, { format, name: "file" })) {
    if ("problem" in parsed) throw new Error(parsed.problem.message);
    await use(parsed.row);
    if (rows++ % Math.ceil(least / 10) === 0) most = Math.max(most, heldBytes() - idle);
  }
  console.log(`${format}: ${(most / megabyte).toFixed(1)} MB above idle`);
  return { most, rows };
}

describe("ten megabytes", () => {
  test.each(sources)("of %s are read in less than 12 MB", async (format, source, least) => {
    const { most, rows } = await mostHeld(format, source, least, () => {});
    expect(rows).toBeGreaterThan(least);
    expect(most).toBeLessThan(12 * megabyte);
  });

  test("of text are read and cut in less than 12 MB", async () => {
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
    console.log(`text, cut: ${(most / megabyte).toFixed(1)} MB above idle`);
    expect(length).toBeGreaterThan(9.5 * megabyte);
    expect(most).toBeLessThan(12 * megabyte);
  });

  test("of one text are held with all their chunks in less than 24 MB", () => {
    const text = Array.from({ length: 16_000 }, () => `${sentence(100)}.`).join("\n\n");
    expect(text.length).toBeGreaterThan(10 * megabyte);
    const chunks = chunkText(text, { strategy: "auto", chunk_size: 1_000, chunk_overlap: 100 });
    const held = heldBytes() - idle;
    console.log(`one text, cut: ${(held / megabyte).toFixed(1)} MB above idle`);
    expect(chunks.length).toBeGreaterThan(10_000);
    expect(held).toBeLessThan(24 * megabyte);
  });

  test("are read and refined in less than 48 MB", async () => {
    const refiner = new Refiner();
    const { most, rows } = await mostHeld("jsonl", sources[0]![1], 10_000, (row) => refiner.consider(row));
    expect(refiner.counts.kept).toBe(rows);
    expect(most).toBeLessThan(48 * megabyte);
  });
});
