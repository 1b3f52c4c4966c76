import { describe, expect, test } from "vitest";
import { read } from "../../support/datasets.ts";

describe("JSON Lines", () => {
  test("a line that is wrong is a problem, and those around it are read", async () => {
    const bytes = Buffer.concat([
      Buffer.from('\uFEFF{"text":"one"}\r\n\r\n{"text":"two"\n[1]\n"four"\nnull\n{"text":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}\n{"text":"a\u0000b"}\n{"text":"eight"}'),
    ]);
    const { rows, problems } = await read(bytes, "jsonl");
    expect(rows.map(({ text, source }) => [source, text])).toEqual([
      ["file.jsonl#1", "one"],
      ["file.jsonl#5", "four"],
      ["file.jsonl#9", "eight"],
    ]);
    expect(problems.map(({ position, code }) => [position, code])).toEqual([
      [3, "invalid_record"],
      [4, "invalid_record"],
      [6, "invalid_record"],
      [7, "invalid_encoding"],
      [8, "invalid_record"],
    ]);
  });

  test("a line of ten million characters is a problem, and the next is read", async () => {
    const { rows, problems } = await read(`{"text":"${"x".repeat(10_000_000)}"}\n{"text":"after"}\n`, "jsonl");
    expect(problems).toEqual([{ position: 1, code: "too_long", message: "has more than 1,048,576 characters" }]);
    expect(rows.map(({ text }) => text)).toEqual(["after"]);
  });

  test("a record that is nested too deeply is a problem", async () => {
    const nested = (depth: number) => `{"text":"a","x":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const { rows, problems } = await read([nested(255), nested(256), nested(200_000)].join("\n"), "jsonl");
    expect(rows.map(({ source }) => source)).toEqual(["file.jsonl#1"]);
    expect(problems.map(({ position, message }) => [position, message])).toEqual([
      [2, "is nested more than 256 levels deep"],
      [3, "is nested more than 256 levels deep"],
    ]);
    await expect(read(`[${nested(200_000)}]`, "json")).rejects.toThrow(
      "is nested more than 256 levels deep. Flatten it first.",
    );
  });

  test("a record that is too wide, or has too many values, is a problem", async () => {
    const keys = (count: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, '",{'])));
    const values = (count: number) => `{"text":"a","x":[${"1,".repeat(count)}1]}`;
    const { rows, problems } = await read([keys(2_000), keys(2_001), values(19_000), values(20_000)].join("\n"), "jsonl");
    expect(rows.map(({ source }) => source)).toEqual(["file.jsonl#1", "file.jsonl#3"]);
    expect(problems).toEqual([
      { position: 2, code: "invalid_record", message: "has an object with more than 2,000 keys" },
      { position: 4, code: "invalid_record", message: "has more than 20,000 values" },
    ]);
  });

  test.each(["constructor", "__proto__", "toString"])("%s is a role and a column like any other", async (name) => {
    const chat = `{"messages":[{"role":"${name}","content":"a"},{"role":"user","content":"b"}]}`;
    const { rows } = await read(`${chat}\n{"${name}":"x","b":"y"}`, "jsonl");
    expect(rows.map(({ text }) => text)).toEqual([`${name}: a\n\nuser: b`, `${name}: x\nb: y`]);
  });

  test.each(["utf16le", "utf16be"])("is read as %s when a byte order mark says so", async (encoding) => {
    const bytes = Buffer.from('\uFEFF{"text":"grüße 😀"}\n{"text":"b"}', "utf16le");
    const { rows } = await read(encoding === "utf16be" ? bytes.swap16() : bytes, "jsonl");
    expect(rows.map(({ text }) => text)).toEqual(["grüße 😀", "b"]);
  });
});
