import { readFileSync } from "node:fs";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { UnreadableFileError } from "../../../../src/datasets/formats/types.ts";
import { fixture, read } from "../../support/datasets.ts";

/** Files that PyArrow 25.0 wrote. */
const parquet = (name: string) => read(readFileSync(`test/fixtures/parquet/${name}.parquet`), "parquet", `${name}.parquet`);

describe("Parquet", () => {
  test("conversations compressed with zstd are read", async () => {
    const { rows, problems } = await parquet("chat-zstd");
    expect(problems).toEqual([]);
    expect(rows.map(({ kind, text }) => [kind, text])).toEqual([
      ["chat", "user: Hi\n\nassistant: Hello"],
      ["chat", "user: Grüße 😀\n\nassistant: Ebenso"],
    ]);
  });

  test("values of all types are read as JSON, compressed with gzip, without pictures", async () => {
    const { rows, problems } = await parquet("types-gzip");
    expect(problems).toMatchObject([{ code: "left_out", message: expect.stringContaining("has binary values in “") }]);
    expect(rows.map(({ text, fields }) => [text, fields])).toEqual([
      [
        "one",
        {
          metadata: {
            whole: 1,
            real: 0.5,
            is_good: true,
            day: "1653-05-09T00:00:00.000Z",
            at: "2026-01-02T03:04:05.000Z",
            tags: ["a", "b"],
          },
        },
      ],
      [
        "whole: 1152921504606846976\nis_good: false\ntags: []",
        expect.objectContaining({ whole: "1152921504606846976", text: null }),
      ],
      ["three", { metadata: { real: 2 } }],
    ]);
  });

  test("a text that is not UTF-8 is a problem of its row only", async () => {
    const { rows, problems } = await parquet("invalid-utf8");
    expect(rows.map(({ text, source }) => [text, source])).toEqual([
      ["good", "invalid-utf8.parquet#1"],
      ["fine", "invalid-utf8.parquet#3"],
    ]);
    expect(problems).toEqual([{ position: 2, code: "invalid_encoding", message: "is not valid UTF-8" }]);
  });

  test.each([
    ["bomb-zstd", "row group of more than 32 MB"],
    ["many-values", "row group of more than 32 MB, or 4,000,000 values"],
  ])("%s is refused with a reason before it is inflated", async (name, reason) => {
    const before = process.memoryUsage().arrayBuffers;
    await expect(parquet(name)).rejects.toThrow(reason);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 2 ** 20);
  });

  test("pages of the second version are read", async () => {
    const { rows } = await parquet("types-v2");
    expect(rows.map(({ text, fields }) => [text, fields])).toEqual([
      ["one", { metadata: { flag: true, tags: ["a"] } }],
      ["two", null],
      ["three", { metadata: { flag: false, tags: ["b", "c"] } }],
    ]);
  });

  test.each(["pages-v1", "pages-v2"])("a run in %s that is longer than its page is refused", async (name) => {
    const bytes = readFileSync(`test/fixtures/parquet/${name}.parquet`);
    expect((await read(bytes, "parquet")).rows).toHaveLength(20_000);
    // A run of 20,000 ones becomes one of 1,048,575.
    const run = bytes.indexOf("c0b80201", "hex");
    expect(run).toBeGreaterThan(0);
    bytes.write("feff7f01", run, "hex");
    await expect(read(bytes, "parquet")).rejects.toThrow("repeats a value more often than it has values: text");
  });

  test("a description of missing data is refused", async () => {
    const bytes = Buffer.from(fixture("paragraphs.parquet"));
    const sizeAt = bytes.length - 8;
    for (const size of [0, 12, 0x7f_ff_ff_ff, bytes.readUInt32LE(sizeAt) - 1]) {
      const changed = Buffer.from(bytes);
      changed.writeUInt32LE(size, sizeAt);
      await expect(read(changed, "parquet")).rejects.toBeInstanceOf(UnreadableFileError);
    }
  });
});

describe("a Parquet file", () => {
  test("the file has one row for each of its rows over all row groups", async () => {
    const { rows, problems } = await read(fixture("paragraphs.parquet"), "parquet", "p.parquet");
    expect(problems).toEqual([]);
    expect(rows).toHaveLength(90);
    expect(rows[0]!.text).toMatch(/^Pisc\. The Barbell, is so called/);
    expect(rows.at(-1)).toMatchObject({ fields: { metadata: { chapter: "XIII" } }, source: "p.parquet#90" });
  });
});

describe("a Parquet file beyond a limit", () => {
  const table = (...columnData: { name: string; data: unknown[] }[]) =>
    read(new Uint8Array(parquetWriteBuffer({ columnData })), "parquet");

  test("a file with too many columns is refused, and one at the limit is read", async () => {
    const columns = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `c${i}`, data: ["a"] }));
    expect((await table(...columns(2_000))).rows).toHaveLength(1);
    await expect(table(...columns(2_001))).rejects.toThrow("has more than 2,000 columns. Keep only the columns that you need.");
  });

  test("a row with a too long cell or too many values is one problem", async () => {
    const { rows, problems } = await table({ name: "text", data: ["a", "x".repeat(1_048_577), "b"] });
    expect(rows.map(({ text }) => text)).toEqual(["a", "b"]);
    expect(problems).toEqual([{ position: 2, code: "too_long", message: "has more than 1,048,576 characters" }]);
  });
});
