import { readFile } from "node:fs/promises";
import { memorySource } from "../../../src/datasets/formats/types.ts";
import { parseRows } from "../../../src/datasets/formats/parse-file.ts";
import { RowFilter } from "../../../src/datasets/cleaning/row-filter.ts";
import type { Format } from "../../../src/datasets/formats/registry.ts";
import { batchesOf, type Row } from "../../../src/knowledge/indexing/chunk-batches.ts";
import { embedText } from "../../../src/models/providers/builtin/hashing-embedding.ts";
import type { GivenChunk } from "./knowledge-bases.ts";

const fixture = (path: string) => readFile(`test/fixtures/${path}`);

const documents: readonly { path: string; format: Format }[] = [
  { path: "formats/angler.txt", format: "text" },
  { path: "formats/angler.md", format: "markdown" },
  { path: "formats/angler.pdf", format: "pdf" },
  { path: "formats/angler.docx", format: "docx" },
  { path: "formats/paragraphs.parquet", format: "parquet" },
  { path: "documents/handbook.md", format: "markdown" },
];

/** A question, and words that stand in the one passage that answers it. */
export type CorpusQuestion = { question: string; document: string; quote: string };

export async function readQuestions(): Promise<CorpusQuestion[]> {
  return JSON.parse((await fixture("questions.json")).toString()) as CorpusQuestion[];
}

/** The rows of all documents, as a dataset keeps them. */
export async function readCorpus(): Promise<Row[]> {
  const refiner = new RowFilter();
  const rows: Row[] = [];
  for (const { path, format } of documents) {
    const name = path.split("/").at(-1)!;
    for await (const parsed of parseRows(memorySource(await fixture(path)), { format, name })) {
      if (!("row" in parsed)) throw new Error(`${name}: ${JSON.stringify(parsed)}`);
      const { row, dropped } = await refiner.evaluate(parsed.row);
      if (dropped === null) rows.push({ ...row, index: rows.length });
    }
  }
  return rows;
}

/** What is indexed of rows, cut and embedded as builds do it by default. */
export async function indexRows(rows: readonly Row[]): Promise<GivenChunk[]> {
  const chunks: GivenChunk[] = [];
  const settings = { strategy: "auto", chunk_size: 1_000, chunk_overlap: 100 } as const;
  for await (const batch of batchesOf(each(rows), settings)) {
    for (const { text, heading, source, kind, embedded } of batch.chunks) {
      chunks.push({ text, heading, source, kind, embedding: embedText(embedded) });
    }
  }
  return chunks;
}

async function* each(rows: readonly Row[]): AsyncGenerator<Row> {
  yield* rows;
}
