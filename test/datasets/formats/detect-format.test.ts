import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { detect, fixture, fixtures } from "../support/datasets.ts";

test.each(fixtures)("%s is %s regardless of its file name", async (name, format) => {
  const bytes = fixture(name);
  expect(await detect(bytes, name)).toBe(format);
  const isPlain = ["markdown", "text"].includes(format);
  const names = isPlain ? [] : ["file", "file.txt", "file.pdf", "file.xlsx"];
  expect(await Promise.all(names.map((each) => detect(bytes, each)))).toEqual(names.map(() => format));
});

describe("a text", () => {
  test.each([
    ['{"a":1}\n{"a":2}\n', "x.json", "jsonl"],
    ['{"a":1}\n', "x.json", "json"],
    ['{"a":1}\n', "x.jsonl", "jsonl"],
    ['{"a":\n{broken\n{"a":2}', "x.jsonl", "jsonl"],
    ["{broken\n", "x.json", "json"],
    ['{\n  "a": 1\n}', "x", "json"],
    [' [\n  {"a": 1}\n]', "x.txt", "json"],
    ['"a"\n"b"\n', "x.jsonl", "jsonl"],
    ["[Intro] to fishing\n", "x", "text"],
    ["[[foo] bar\n\n[foo]: /url\n", "x.md", "markdown"],
    ["[[foo]](/url)\n", "x.md", "markdown"],
    ["[link](https://a.example) and more\n", "x.md", "markdown"],
    ["{curly} prose\n", "x.txt", "text"],
    ["question,answer\nWhy?,So.\nWho?,Me.\n", "x", "csv"],
    ["question,answer\nWhy?,So.\nWho?,Me.\n", "x.txt", "csv"],
    ["frage;antwort\nWarum?;Darum, eben.\n", "x", "csv"],
    ["a\tb\n1\t2\n", "x.csv", "tsv"],
    ["a,b\n1,2\n", "x.tsv", "csv"],
    ["only one column\nvalue\n", "x.csv", "csv"],
    ["A sentence, with a comma.\nAnother one, of course.\n", "x", "text"],
    ["| a | b |\n|---|---|\n| 1 | 2 |\n", "x.md", "markdown"],
    ["# Title\n\nText", "x", "markdown"],
    ["# a comment, in a log\n", "x.txt", "text"],
    ["<!-- saved -->\n<!DOCTYPE html><p>a", "x", "html"],
    ["<p>a fragment</p>", "x.html", "html"],
    ["no tags at all", "x.html", "text"],
    ['<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"></html>', "x.xhtml", "html"],
  ])("%j with the name %s is %s", async (text, name, format) => {
    expect(await detect(text, name)).toBe(format);
    expect(await detect(`\uFEFF${text}`, name)).toBe(format);
    expect(await detect(Buffer.from(`\uFEFF${text}`, "utf16le"), name)).toBe(format);
  });
});

test.each(["x.json", "x.jsonl", "x.ndjson"])("%s that is not JSON is refused", async (name) => {
  for (const text of ["question,answer\nWhy?,So.\nWho?,Me.\n", "hello", "7", "<html><body>a</body></html>", "# Title"])
    await expect(detect(text, name)).rejects.toThrow(`is named ${name.slice(1)}, but has no JSON array or object.`);
});

const zip = (...names: string[]) => zipSync(Object.fromEntries(names.map((name) => [name, new Uint8Array(10)])));

describe("an unsupported file", () => {
  test.each([
    ["nothing", "", "is empty"],
    ["white space", " \n\t\n", "white space"],
    ["gzip", Buffer.from("1f8b0800", "hex"), "gzip"],
    ["an image", Buffer.from("89504e470d0a1a0a", "hex"), "image"],
    ["an old Word document", Buffer.from("d0cf11e0a1b11ae1", "hex"), "save it as .docx"],
    ["RTF", "{\\rtf1 hello}", "RTF"],
    ["an Excel workbook", zip("[Content_Types].xml", "xl/workbook.xml"), "Excel"],
    ["a presentation", zip("ppt/presentation.xml"), "PowerPoint"],
    ["a book", zip("mimetype", "META-INF/container.xml"), "EPUB"],
    ["an OpenDocument file", zip("mimetype", "content.xml"), "OpenDocument"],
    ["an archive", zip("a.txt"), "Unpack it first"],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS pointer"],
    ["XML", '<?xml version="1.0"?><rows/>', "is XML"],
    ["a database", "SQLite format 3\u0000", "SQLite"],
    ["bytes", Buffer.from(Array.from({ length: 3_000 }, (_, index) => (index * 37) % 7)), "is not text"],
    ["UTF-16 without a mark", Buffer.from("hello there", "utf16le"), "UTF-16 without a byte order mark"],
    ["half of a Word document", fixture("angler.docx").subarray(0, 20_000), "truncated"],
    ["half of a Parquet file", fixture("paragraphs.parquet").subarray(0, 20_000), "truncated"],
  ])("%s is refused with a reason", async (_, content, reason) => {
    const refusal = detect(content, "file.txt");
    await expect(refusal).rejects.toMatchObject({ code: "validation_failed", issues: [{ path: "file", in: "body" }] });
    await expect(refusal).rejects.toThrow(reason);
  });
});
