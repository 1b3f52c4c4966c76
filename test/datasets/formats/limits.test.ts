import { describe, expect, test } from "vitest";
import { unitsPerPause, WorkMeter } from "../../../src/kit/async/work-meter.ts";
import { cleanRows } from "../../../src/datasets/cleaning/clean-rows.ts";
import { RowFilter } from "../../../src/datasets/cleaning/row-filter.ts";
import { detectFormat } from "../../../src/datasets/formats/detect-format.ts";
import { maxRows, maxRowsLength } from "../../../src/datasets/constants.ts";
import { parseRows } from "../../../src/datasets/formats/parse-file.ts";
import { memorySource, type Parsed } from "../../../src/datasets/formats/types.ts";
import type { Format } from "../../../src/datasets/formats/registry.ts";
import { docx } from "../support/files.ts";
import { detect, read } from "../support/datasets.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** How often the import of a file pauses. */
async function pausesOf(content: string | Uint8Array, format: Format): Promise<number> {
  let pauses = 0;
  const work = new WorkMeter(async () => void pauses++);
  const source = memorySource(typeof content === "string" ? bytesOf(content) : content);
  await detectFormat(source, `file.${format}`, work);
  for await (const _ of cleanRows(source, { format, name: "file" }, new RowFilter(work), work));
  return pauses;
}

const size = 2 ** 20;
const wideLine = `${Array.from({ length: 2_000 }, (_, i) => `c${i}`).join(",")}\n`;

describe("an import of a megabyte pauses at least", () => {
  test.each([
    [15, "of a line", "text", "x".repeat(size)],
    [100, "of empty lines", "text", `a${"\n".repeat(size / 8)}`],
    [30, "of tags", "html", `<!doctype html>${"<b></b>".repeat(size / 7)}`],
    [15, "of one comment", "html", `<!doctype html><!--${"-".repeat(size)}`],
    [15, "of a cell", "csv", `text\n"${"x".repeat(size - 10)}"\n`],
    [50, "of wide rows", "csv", wideLine.repeat(size / 11_000)],
    [15, "of a record", "jsonl", `{"text":"${"x".repeat(size - 20)}"}`],
    [500, "of small records", "jsonl", '{"text":"a"}\n'.repeat(size / 13 / 2)],
    [15, "of brackets in a text", "json", `[{"text":"${"[".repeat(size - 20)}"}]`],
    [30, "of combining characters", "text", `a${"\u0301".repeat(size / 2)}`],
    [50, "of paragraphs", "docx", docx(`<w:document>${"<w:p><w:t>a</w:t></w:p>".repeat(size / 23)}</w:document>`)],
  ] as const)("%i times: %s as %s", async (least, _, format, content) => {
    expect(await pausesOf(content, format)).toBeGreaterThanOrEqual(least);
  });
});

test("the work between two pauses is a constant, which the benchmark is made for", () => {
  expect(unitsPerPause).toBe(200_000);
});

describe("a file of", () => {
  test("too many rows is refused while it is read", async () => {
    const seen: Parsed[] = [];
    const parse = async () => {
      const source = memorySource(bytesOf(`[${"1,".repeat(1_000)}1]`));
      for await (const parsed of parseRows(source, { format: "json", name: "a" }, new WorkMeter(), 500)) seen.push(parsed);
    };
    await expect(parse()).rejects.toThrow("has more than 500 rows. Split it into several datasets.");
    expect(seen).toHaveLength(500);
    expect(maxRows).toBe(1_000_000);
  });

  test("a short text that many rows repeat is refused", async () => {
    const article = JSON.stringify({
      context: "x".repeat(10_000),
      qas: Array.from({ length: 700 }, () => ({ question: "a", answers: [] })),
    });
    let count = 0;
    const clean = async () => {
      const work = new WorkMeter();
      const source = memorySource(bytesOf(article));
      const rows = cleanRows(source, { format: "jsonl", name: "a" }, new RowFilter(work), work, 1_000_000);
      for await (const _ of rows) count++;
    };
    await expect(clean()).rejects.toThrow(
      "has rows of more than 1,000,000 characters together. Split it into several datasets.",
    );
    expect(count).toBeGreaterThan(50);
    expect(maxRowsLength).toBe(500_000_000);
  });

  test("64 KiB of unclosed tags, quotes or marks is plain text, and invalid bytes are marked line by line", async () => {
    expect(await detect("<a".repeat(32_000), "x.html")).toBe("text");
    expect(await detect('"'.repeat(64_000), "x")).toBe("text");
    const { rows, problems } = await read(
      Buffer.from("good \ufffd\n\xff bad\nfine\n".replace("\ufffd", "\xef\xbf\xbd"), "latin1"),
      "text",
    );
    expect(rows.map(({ text }) => text)).toEqual(["good \ufffd\nfine\n"]);
    expect(problems.map(({ position, code }) => [position, code])).toEqual([[2, "invalid_encoding"]]);
  });
});
