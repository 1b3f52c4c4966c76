import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestHarness, unstable_readConfig as readConfig } from "wrangler";
import { bomb, docx, japanesePdf, pdf } from "../support/files.ts";
import { make, type Made } from "../support/worker.ts";
import { fixtures } from "../support/datasets.ts";

const { compatibility_date, compatibility_flags } = readConfig({ config: "wrangler.toml" });
const main = "test/datasets/support/worker.ts";
const harness = createTestHarness({
  workers: [{ config: { name: "datasets-probe", main, compatibility_date: compatibility_date!, compatibility_flags } }],
});
let url: URL;

beforeAll(async () => {
  ({ url } = await harness.listen());
});
afterAll(() => harness.close());

const send = (name: string, body: Uint8Array) => fetch(new URL(name, url), { method: "POST", body });

test.each(fixtures)("workerd reads %s like Node.js", async (name, format) => {
  const bytes = readFileSync(`test/fixtures/formats/${name}`);
  const made = (await (await send(name, bytes)).json()) as Made;
  expect(made.format).toBe(format);
  expect(made).toEqual(JSON.parse(JSON.stringify(await make(bytes, name))));
});

test.each([
  ["brotli.parquet", readFileSync("test/fixtures/parquet/brotli.parquet")],
  ["delta.parquet", readFileSync("test/fixtures/parquet/delta.parquet")],
  ["japanese.pdf", japanesePdf()],
  ["numbers.json", Buffer.from('[{"a":9007199254740993}]')],
])("workerd reads %s like Node.js, too", async (name, bytes) => {
  const made = (await (await send(name, bytes)).json()) as Made;
  expect(made.rows.length).toBeGreaterThan(0);
  expect(made).toEqual(JSON.parse(JSON.stringify(await make(bytes, name))));
});

test.each([
  ["bomb.pdf", pdf(deflateSync(bomb(40)), "/FlateDecode"), "is a PDF that decompresses to too much data."],
  ["bomb.docx", docx(bomb(40)), "decompresses to too much data: word/document.xml has more than 32 MB."],
  [
    "bomb.parquet",
    readFileSync("test/fixtures/parquet/bomb-zstd.parquet"),
    /^is a Parquet file with a row group of more than 32 MB/,
  ],
])("workerd refuses %s like Node.js", async (name, bytes, reason) => {
  const response = await send(name, bytes);
  expect(response.status).toBe(422);
  expect(await response.text()).toMatch(reason);
});
