import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { bomb, docx, pdf } from "../../test/datasets/support/files.ts";
import { seededRandom } from "../../test/support/random.ts";

/** A file to read, made when it is read. */
export type BenchFile = { name: string; bytes: () => Uint8Array };

const megabyte = 2 ** 20;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const repeated = (text: string, length: number) => text.repeat(Math.ceil(length / text.length)).slice(0, length);

const random = seededRandom(18);
const words = Array.from({ length: 5_000 }, () => Math.floor(random() * 36 ** 6).toString(36));
const sentence = (count: number) => Array.from({ length: count }, () => words[Math.floor(random() * words.length)]).join(" ");
const sentences = (size: number, write: (text: string) => string, between = "\n") => {
  const parts: string[] = [];
  for (let length = 0; length < size;) length += parts[parts.push(write(sentence(60))) - 1]!.length;
  return parts.join(between);
};

const paragraph = (text: string) => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`;
const document = (body: string) => docx(`<w:document><w:body>${body}</w:body></w:document>`);
const page = (commands: string) => pdf(deflateSync(bytesOf(commands)), "/FlateDecode");
const column = (name: string, data: unknown[]) => ({ name, data });
const table = (...columnData: { name: string; data: unknown[] }[]) => new Uint8Array(parquetWriteBuffer({ columnData }));

/** Ordinary files of some megabytes, of each format. */
export const ordinaryFiles: readonly BenchFile[] = [
  { name: "text.txt", bytes: () => bytesOf(sentences(megabyte, (text) => `${text}.\n`)) },
  { name: "page.html", bytes: () => bytesOf(`<!doctype html><body>${sentences(megabyte, (text) => `<p>${text}</p>`)}`) },
  {
    name: "records.jsonl",
    bytes: () => bytesOf(sentences(megabyte, (text) => JSON.stringify({ question: text, answer: text }))),
  },
  { name: "records.json", bytes: () => bytesOf(`[${sentences(megabyte, (text) => JSON.stringify({ text }), ",")}]`) },
  { name: "table.csv", bytes: () => bytesOf(`question,answer\n${sentences(megabyte, (text) => `"${text}?",${text}`)}`) },
  {
    name: "table.parquet",
    bytes: () =>
      table(
        column(
          "text",
          Array.from({ length: 5_000 }, () => sentence(20)),
        ),
      ),
  },
  { name: "document.docx", bytes: () => document(sentences(megabyte, paragraph)) },
  { name: "angler.pdf", bytes: () => readFileSync("test/fixtures/formats/angler.pdf") },
];

/** Files that a stranger makes to hold others up. */
export const hostileFiles: readonly BenchFile[] = [
  { name: "300,000 open tags.html", bytes: () => bytesOf(`<!doctype html>${"<div>".repeat(300_000)}`) },
  { name: "tags that end nothing.html", bytes: () => bytesOf(`<!doctype html>${repeated("</a>", 2 * megabyte)}`) },
  { name: "short tags.html", bytes: () => bytesOf(`<!doctype html>${repeated("<b></b>", 2 * megabyte)}`) },
  { name: "one comment.html", bytes: () => bytesOf(`<!doctype html><!--${"-".repeat(5 * megabyte)}`) },
  { name: "entities.html", bytes: () => bytesOf(`<!doctype html>${repeated("&amp;", 2 * megabyte)}`) },
  { name: "no tag is closed.html", bytes: () => bytesOf(repeated("<a", 64_000)) },
  { name: "one attribute.html", bytes: () => bytesOf(`<!doctype html><p a="${"x".repeat(5 * megabyte)}">x`) },
  { name: "2,000,000 columns.csv", bytes: () => bytesOf(`${repeated("a,", 4_000_000)}\n1,2\n`) },
  { name: "wide rows.csv", bytes: () => bytesOf(`a,b\n${repeated(`${"1,".repeat(50_000)}\n`, 4 * megabyte)}`) },
  {
    name: "2,000 columns.csv",
    bytes: () => bytesOf(repeated(`${Array.from({ length: 2_000 }, (_, i) => `c${i}`).join(",")}\n`, megabyte / 4)),
  },
  { name: "quote that is not closed.csv", bytes: () => bytesOf(`a,b\n${repeated('"\n""\n', megabyte / 4)}`) },
  { name: "empty lines.txt", bytes: () => bytesOf(`x${"\n".repeat(megabyte / 8)}x`) },
  { name: "one line.txt", bytes: () => bytesOf("x".repeat(10 * megabyte)) },
  { name: "combining characters.txt", bytes: () => bytesOf(`a${"\u0301\u0316".repeat(megabyte / 2)}`) },
  {
    name: "combining characters.jsonl",
    bytes: () => bytesOf(JSON.stringify({ text: `a${"\u0301\u0316".repeat(megabyte / 2 - 20)}` })),
  },
  { name: "invalid bytes.txt", bytes: () => Buffer.from("x\xff\n".repeat(megabyte / 8), "latin1") },
  { name: "one-letter rows.jsonl", bytes: () => bytesOf(repeated('"a"\n', 20_000)) },
  { name: "numbers.json", bytes: () => bytesOf(`[${repeated("1,", megabyte / 4)}1]`) },
  {
    name: "80,000 keys.json",
    bytes: () => bytesOf(JSON.stringify([Object.fromEntries(Array.from({ length: 80_000 }, (_, i) => [`k${i}`, i]))])),
  },
  { name: "20,000 values.jsonl", bytes: () => bytesOf(repeated(`{"text":"a","x":[${"1,".repeat(19_000)}1]}\n`, megabyte / 2)) },
  { name: "deep.jsonl", bytes: () => bytesOf(repeated(`{"x":${"[".repeat(100_000)}\n`, 2 * megabyte)) },
  { name: "deep.json", bytes: () => bytesOf("[".repeat(megabyte)) },
  { name: "one cell.jsonl", bytes: () => bytesOf(`{"text":"${"é ".repeat(megabyte / 2 - 10)}"}`) },
  {
    name: "questions.json",
    bytes: () =>
      bytesOf(JSON.stringify([{ context: sentence(10_000), qas: Array.from({ length: 500 }, () => ({ question: "a" })) }])),
  },
  {
    name: "2,000 columns.parquet",
    bytes: () => table(...Array.from({ length: 2_000 }, (_, i) => column(`c${i}`, Array(50).fill("a")))),
  },
  { name: "2,001 columns.parquet", bytes: () => table(...Array.from({ length: 2_001 }, (_, i) => column(`c${i}`, ["a"]))) },
  {
    name: "50,000 values.parquet",
    bytes: () =>
      table(
        column(
          "text",
          Array.from({ length: 50_000 }, (_, i) => `value ${i}`),
        ),
      ),
  },
  { name: "one cell.parquet", bytes: () => table(column("text", ["x".repeat(7 * megabyte)])) },
  { name: "long list.parquet", bytes: () => table(column("text", [Array.from({ length: 200_000 }, (_, i) => i)])) },
  { name: "bomb.docx", bytes: () => docx(bomb(40)) },
  { name: "deep tables.docx", bytes: () => document("<w:tbl><w:tr><w:tc>".repeat(100_000)) },
  {
    name: "wide table.docx",
    bytes: () => document(`<w:tbl><w:tr>${`<w:tc>${paragraph("a")}</w:tc>`.repeat(100_000)}</w:tr></w:tbl>`),
  },
  { name: "one paragraph.docx", bytes: () => document(paragraph("x".repeat(20 * megabyte))) },
  { name: "tags.docx", bytes: () => document("<w:tab/>".repeat(megabyte)) },
  { name: "bomb.pdf", bytes: () => pdf(deflateSync(bomb(40)), "/FlateDecode") },
  { name: "streams.pdf", bytes: () => bytesOf(`%PDF-1.4\n${repeated("stream ", 5 * megabyte)}`) },
  {
    name: "300,000 objects.pdf",
    bytes: () => bytesOf(`%PDF-1.4\n${Array.from({ length: 300_000 }, (_, i) => `${i} 0 obj\n<<>>\nendobj\n`).join("")}`),
  },
  {
    name: "100,000 objects.pdf",
    bytes: () => bytesOf(`%PDF-1.4\n${Array.from({ length: 100_000 }, (_, i) => `${i} 0 obj\n<<>>\nendobj\n`).join("")}`),
  },
  {
    name: "text commands.pdf",
    bytes: () => page(`BT /F 12 Tf ${"(a) Tj 0 1 Td ".repeat(200_000)} ET`),
  },
  { name: "unknown commands.pdf", bytes: () => page("xx ".repeat(megabyte)) },
  { name: "long text.pdf", bytes: () => page(`BT /F 12 Tf (${"a".repeat(60_000)}) Tj ET`) },
  { name: "long array.pdf", bytes: () => page(`BT /F 12 Tf [${"(abc) -200 ".repeat(20_000)}] TJ ET`) },
  { name: "saved states.pdf", bytes: () => page("q ".repeat(4_000)) },
  { name: "one line.pdf", bytes: () => bytesOf(`%PDF-1.4\n1 0 obj ${"a".repeat(14 * megabyte)}`) },
  { name: "empty commands.pdf", bytes: () => page("q Q ".repeat(megabyte)) },
];
