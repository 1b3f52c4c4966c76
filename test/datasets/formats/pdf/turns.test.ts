import { deflateSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { pdf } from "../../support/files.ts";
import { read } from "../../support/datasets.ts";

/** A PDF whose page has these commands. */
const page = (commands: string) => pdf(deflateSync(Buffer.from(commands)), "/FlateDecode");

const text = (commands: string) => page(`BT /F 12 Tf ${commands} ET`);

/** Empty objects from number 10 on, and a page before them, without a table of objects. */
const objects = (count: number) =>
  Buffer.concat([
    text("(a few words) Tj"),
    Buffer.from(Array.from({ length: count }, (_, i) => `${i + 10} 0 obj\n<<>>\nendobj\n`).join("")),
  ]);

/** The same with a table of objects. */
function table(count: number): Buffer {
  const body = text("(a few words) Tj")
    .toString("latin1")
    .replace(/trailer[^]*$/, "");
  const offsets = [1, 2, 3, 4, 5].map((number) => body.indexOf(`${number} 0 obj`));
  const more = Array.from({ length: count }, () => offsets[0]!);
  const entries = [...offsets, ...more].map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const end = `xref\n0 ${count + 6}\n0000000000 65535 f \n${entries}trailer\n<</Root 1 0 R/Size ${count + 6}>>\nstartxref\n${body.length}\n%%EOF\n`;
  return Buffer.from(body + end, "latin1");
}

/** How often reading a PDF lets the waiting events run. */
async function pausesOf(file: Buffer): Promise<number> {
  const timer = vi.spyOn(globalThis, "setTimeout");
  await read(file, "pdf", "a.pdf").catch(() => undefined);
  return timer.mock.calls.filter(([, delay]) => delay === 0).length;
}

afterEach(() => void vi.restoreAllMocks());

describe("the library pauses at least", () => {
  test.each([
    [8, "texts", text("(a) Tj 0 1 Td ".repeat(3_000))],
    [30, "commands without an effect", page("q Q ".repeat(50_000))],
    [30, "unknown commands", page("xx ".repeat(100_000))],
    [10, "letters of one text", text(`(${"a".repeat(30_000)}) Tj`)],
    [20, "letters of an array of texts", text(`[${"(abc) 0 ".repeat(10_000)}] TJ`)],
    [25, "objects without a table", objects(10_000)],
    [30, "objects of a table", table(20_000)],
    [10, "bytes of a line", Buffer.from(`%PDF-1.4\n1 0 obj ${"a".repeat(2_000_000)}`)],
    [10, "bytes of a comment", Buffer.from(`%PDF-1.4\n%${"a".repeat(1_000_000)}`)],
  ])("%i times for %s", async (least, _, file) => {
    expect(await pausesOf(file)).toBeGreaterThanOrEqual(least);
  });
});

describe("a page is refused in words for", () => {
  const truncated = deflateSync(Buffer.from(`${"q Q ".repeat(100)}${" ".repeat(5_000_000)}`)).subarray(0, -10);
  test.each([
    ["a text of too many letters", text(`(${"a".repeat(100_000)}) Tj`)],
    ["an array of too many values", text(`[${"(a) ".repeat(60_000)}] TJ`)],
    ["nested arrays of too many values", text(`[${`[${"1 ".repeat(1_000)}]`.repeat(60)}] TJ`)],
    ["a dictionary of too many keys", page(`/Span <<${Array.from({ length: 60_000 }, (_, i) => `/a${i} 1`).join(" ")}>> BDC`)],
    ["a long name", page(`/${"a".repeat(10_000)} Do`)],
    ["a long number", page(`${"1".repeat(5_000_000)} w`)],
    ["a long string in hexadecimal digits", page(`<${"1".repeat(600_000)}> Tj`)],
    ["many blanks", page(`q${" ".repeat(5_000_000)}Q`)],
    ["many blanks in a damaged stream", pdf(truncated, "/FlateDecode")],
    ["too many saved states", page("q ".repeat(10_000))],
    ["an image without an end", page(`BI /W 1 /H 1 ID ${"EI \u0001".repeat(50_000)}`)],
  ])("%s", async (_, file) => {
    const first = text("(a few words) Tj").toString("latin1");
    const both = Buffer.from(withPage(first, file.toString("latin1")), "latin1");
    const { rows, problems } = await read(both, "pdf", "a.pdf");
    expect(rows.map((row) => row.text)).toEqual(["a few words\n"]);
    expect(problems).toEqual([
      { position: 2, code: "invalid_record", message: expect.stringContaining("is too large to read") },
    ]);
  });
});

/** The first PDF with the page of the second, whose content becomes object 8. */
function withPage(first: string, second: string): string {
  const content = second.slice(second.indexOf("4 0 obj"), second.indexOf("5 0 obj")).replace("4 0 obj", "8 0 obj");
  return first
    .replace("[3 0 R]/Count 1", "[3 0 R 7 0 R]/Count 2")
    .replace(
      "trailer",
      () =>
        `7 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 8 0 R/Resources<</Font<</F 5 0 R>>>>>>\nendobj\n${content}trailer`,
    );
}

test("a page with thousands of states that are not restored is read", async () => {
  const { rows } = await read(text(`${"q ".repeat(3_000)} (a few words) Tj`), "pdf", "a.pdf");
  expect(rows.map((row) => row.text)).toEqual(["a few words\n"]);
});

test("a stream of any filter that decodes to too much is refused", async () => {
  const runs = Buffer.concat(Array.from({ length: 300_000 }, () => Buffer.from([129, 0x20])));
  const { rows, problems } = await read(pdf(runs, "/RunLengthDecode"), "pdf", "a.pdf").catch((error: Error) => ({
    rows: [],
    problems: error.message,
  }));
  expect({ rows, problems }).toEqual({ rows: [], problems: expect.stringContaining("is a PDF without text") });
});
