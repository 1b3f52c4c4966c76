import { describe, expect, test } from "vitest";
import { UnreadableFileError, memorySource, type ByteSource } from "../../../src/datasets/formats/types.ts";
import { fixture, fixtures, read } from "../support/datasets.ts";
import { parseRows } from "../../../src/datasets/formats/parse-file.ts";

test.each(fixtures)("%s gives the same rows at any chunk boundary", async (name, format) => {
  const bytes = fixture(name);
  const whole = memorySource(bytes);
  const source: ByteSource = {
    ...whole,
    stream: async () =>
      new ReadableStream({
        start(controller) {
          for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7 + 3) % 1_009)
            controller.enqueue(bytes.slice(at, at + size));
          controller.close();
        },
      }),
  };
  const all = [];
  for await (const parsed of parseRows(source, { format, name })) all.push(parsed);
  expect(all).toEqual((await read(bytes, format, name)).all);
});
/** What came of reading a file that may be refused: whether it was refused in words is told, anything else is thrown. */
async function tryRead(...[content, format, name]: Parameters<typeof read>) {
  try {
    return { ...(await read(content, format, name)), isRefused: false };
  } catch (error) {
    if (!(error instanceof UnreadableFileError) || error.failure.code !== "validation_failed") throw error;
    return { rows: [], problems: [], isRefused: true };
  }
}

describe.each(fixtures)("%s", (name, format) => {
  test("a file truncated anywhere is refused with a reason or gives the rows that are left", async () => {
    const bytes = fixture(name);
    const whole = await read(bytes, format, name);
    for (const part of [0.1, 0.5, 0.9, 0.999]) {
      const { rows, problems, isRefused } = await tryRead(bytes.subarray(0, Math.floor(bytes.length * part)), format, name);
      const same = rows.findIndex((row, index) => row.text !== whole.rows[index]?.text);
      const others = same < 0 ? 0 : rows.length - same;
      expect(others + problems.length, "what the last record became").toBeLessThanOrEqual(3);
      expect(isRefused || rows.length - others >= Math.floor((whole.rows.length - 1) * part * 0.6)).toBe(true);
    }
  });

  test("a file read in another format, or with wrong bytes, gives rows, problems or a refusal with a reason", async () => {
    for (const [, other] of fixtures) await expect(tryRead(fixture(name), other)).resolves.toBeDefined();
    for (let seed = 1; seed <= 8; seed++) {
      const bytes = Uint8Array.from(fixture(name));
      for (let flip = 1; flip <= 20; flip++) {
        const at = (Math.imul(seed * 97 + flip, 2_654_435_761) >>> 0) % bytes.length;
        bytes[at] = bytes[at]! ^ (flip * 11);
      }
      await expect(tryRead(bytes, format)).resolves.toBeDefined();
    }
  });
});
