import { expect, test } from "vitest";
import { batchesOf, chunkRows, type Batch } from "../../../src/knowledge/indexing/chunk-batches.ts";

test("the header row of a table is embedded with each chunk of it, and stored beside its text", async () => {
  const header = "| Name | Price |";
  const rows = Array.from({ length: 12 }, (_, n) => `| item ${n} | ${n} EUR, in stock |`);
  const text = ["# Stock", "", header, "|---|---|", ...rows].join("\n");
  const row = { index: 0, kind: "text", text, fields: null, source: "stock.md", start: 0 };
  async function* rowsOf() {
    yield row;
  }
  const { value: batch } = await batchesOf(rowsOf(), { strategy: "auto", chunk_size: 150, chunk_overlap: 0 }).next();
  const [first, ...others] = (batch as Batch).chunks;
  expect(first).toMatchObject({ table_header: null, embedded: `Stock\n${first!.text}` });
  expect(others.length).toBeGreaterThan(1);
  for (const { embedded, ...chunk } of others)
    expect([embedded, chunk.text]).toEqual([`Stock\n${header}\n${chunk.text}`, text.slice(chunk.start, chunk.end)]);
  expect(chunkRows(batch as Batch, 0, new Map())[1]).toMatchObject({ table_header: header, text: others[0]!.text });
});
