import { readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import type { CompressionCodec, Encoding, SchemaElement } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { read } from "../../support/datasets.ts";

const names = Array.from({ length: 300 }, (_, index) => `name ${String(index).padStart(5, "0")}`);
const numbers = Array.from({ length: 300 }, (_, index) => (index * 7_919) % 1_009);

type Table = Parameters<typeof parquetWriteBuffer>[0];

const write = (table: Table) => Buffer.from(parquetWriteBuffer(table));

/** An LZ4 block of literals, and a match that repeats the last byte. */
function lz4Block(bytes: Uint8Array): Uint8Array {
  const lengthBytes = (length: number) => [
    ...Array.from({ length: Math.floor((length - 15) / 255) }, () => 255),
    (length - 15) % 255,
  ];
  const long = (length: number) => (length < 15 ? [] : lengthBytes(length));
  const literals = (part: Uint8Array) => [Math.min(15, part.length) << 4, ...long(part.length), ...part];
  const half = bytes.subarray(0, Math.floor(bytes.length / 2));
  const rest = bytes.subarray(half.length);
  let same = 0;
  while (same < rest.length && rest[same] === half.at(-1)) same++;
  if (same < 4 || same === rest.length) return Uint8Array.from(literals(bytes));
  const first = literals(half);
  first[0]! |= Math.min(15, same - 4);
  return Uint8Array.from([...first, 1, 0, ...long(same - 4), ...literals(rest.subarray(same))]);
}

function hadoopFrames(bytes: Uint8Array): Uint8Array {
  const middle = Math.floor(bytes.length / 2);
  return Buffer.concat(
    [bytes.subarray(0, middle), bytes.subarray(middle)].map((part) => {
      const block = lz4Block(part);
      const sizes = Buffer.alloc(8);
      sizes.writeUInt32BE(part.length, 0);
      sizes.writeUInt32BE(block.length, 4);
      return Buffer.concat([sizes, block]);
    }),
  );
}

const twoMembers = (bytes: Uint8Array): Uint8Array =>
  Buffer.concat([gzipSync(bytes.subarray(0, 100)), gzipSync(bytes.subarray(100))]);

describe("a Parquet column", () => {
  test.each<[Encoding, Encoding]>([
    ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BINARY_PACKED"],
    ["DELTA_BYTE_ARRAY", "DELTA_BINARY_PACKED"],
    ["PLAIN", "BYTE_STREAM_SPLIT"],
  ])("a column in %s and %s is read", async (ofTexts, ofNumbers) => {
    const columnData = [
      { name: "text", data: names, encoding: ofTexts },
      { name: "small", data: Int32Array.from(numbers), type: "INT32" as const, encoding: ofNumbers },
      { name: "large", data: BigInt64Array.from(numbers, (each) => 2n ** 60n + BigInt(each)), encoding: ofNumbers },
    ];
    const { rows, problems } = await read(write({ columnData }), "parquet");
    expect(problems).toEqual([]);
    expect(rows.map(({ text, fields }) => [text, fields])).toEqual(
      names.map((name, index) => [
        name,
        { metadata: { small: numbers[index], large: String(2n ** 60n + BigInt(numbers[index]!)) } },
      ]),
    );
  });

  test.each<[string, CompressionCodec, (bytes: Uint8Array) => Uint8Array]>([
    ["gzip of several members", "GZIP", twoMembers],
    ["Brotli", "BROTLI", (bytes) => brotliCompressSync(bytes)],
    ["LZ4_RAW", "LZ4_RAW", lz4Block],
    ["LZ4 in frames of Hadoop", "LZ4", hadoopFrames],
    ["LZ4 in one block", "LZ4", lz4Block],
  ])("compressed with %s is read", async (_, codec, compress) => {
    const data = names.map((name) => `${name} ${"x".repeat(300)}`);
    const bytes = write({ columnData: [{ name: "text", data, encoding: "PLAIN" }], codec, compressors: { [codec]: compress } });
    const { rows, problems } = await read(bytes, "parquet");
    expect(problems).toEqual([]);
    expect(rows.map(({ text }) => text)).toEqual(data);
  });

  test.each(["brotli", "delta"])("the file %s, which PyArrow wrote, is read", async (name) => {
    const { rows, problems } = await read(readFileSync(`test/fixtures/parquet/${name}.parquet`), "parquet");
    expect(problems).toEqual([]);
    expect(rows.length).toBeGreaterThan(0);
  });

  test("whose texts repeat their beginning to too much data is refused", async () => {
    const data = Array.from({ length: 200 }, (_, index) => "x".repeat(100_000) + String(index).padStart(3, "0"));
    const bytes = write({ columnData: [{ name: "text", data, encoding: "DELTA_BYTE_ARRAY" }], pageSize: 2 ** 30 });
    await expect(read(bytes, "parquet")).rejects.toThrow("has values that decode to too much data: text");
  });
});

describe("the numbers of a Parquet file", () => {
  const column = (element: Omit<SchemaElement, "name">, data: unknown[]) =>
    write({
      columnData: [{ name: "value", data: data as bigint[] }],
      schema: [
        { name: "root", num_children: 1 },
        { name: "value", repetition_type: "REQUIRED", ...element },
      ],
    });
  const valuesOf = async (bytes: Buffer) => (await read(bytes, "parquet")).rows.map(({ fields }) => fields!["value"]);

  test("decimals have all their digits", async () => {
    const decimal = { converted_type: "DECIMAL", precision: 38, scale: 2 } as const;
    const data = [1234n, -5n, 123_456_789_012_345_678n, 150n];
    const expected = [12.34, -0.05, "1234567890123456.78", 1.5];
    expect(await valuesOf(column({ type: "INT64", ...decimal }, data))).toEqual(expected);
    expect(await valuesOf(column({ type: "FIXED_LEN_BYTE_ARRAY", type_length: 16, ...decimal }, data))).toEqual(expected);
  });

  test("times have all their digits", async () => {
    const micros = { type: "INT64", logical_type: { type: "TIMESTAMP", unit: "MICROS", isAdjustedToUTC: true } } as const;
    expect(await valuesOf(column(micros, [1_700_000_000_123_456n, 1_700_000_000_123_000n, -1n]))).toEqual([
      "2023-11-14T22:13:20.123456Z",
      "2023-11-14T22:13:20.123Z",
      "1969-12-31T23:59:59.999999Z",
    ]);
  });

  test("numbers that are not finite are texts", async () => {
    expect(await valuesOf(column({ type: "DOUBLE" }, [0.5, NaN, -Infinity]))).toEqual([0.5, "NaN", "-Infinity"]);
  });
});
