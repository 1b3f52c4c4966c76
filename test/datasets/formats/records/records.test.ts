import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxRecordLength } from "../../../../src/datasets/constants.ts";
import { read } from "../../support/datasets.ts";

const lines = (...records: unknown[]) => records.map((record) => JSON.stringify(record)).join("\n");

describe("a row is recognised by its columns:", () => {
  test.each([
    [
      { Instruction: "Add", INPUT: "1 2", output: "3" },
      "instruction",
      "Instruction: Add\nInput: 1 2\nOutput: 3",
      { instruction: "Add", input: "1 2", output: "3" },
    ],
    [
      { instruction: "Who?", context: "Ada wrote it.", response: "Ada", category: "closed_qa" },
      "instruction",
      "Instruction: Who?\nInput: Ada wrote it.\nOutput: Ada",
      { instruction: "Who?", input: "Ada wrote it.", output: "Ada", metadata: { category: "closed_qa" } },
    ],
    [{ question: "Why?", answer: "So." }, "question", "Question: Why?\nAnswer: So.", { question: "Why?", answer: "So." }],
    [
      {
        id: "5",
        title: "T",
        context: "It is red.",
        question: "Which?",
        answers: { text: ["red", "a red one", "red"], answer_start: [6, 6, 6] },
      },
      "question",
      "Question: Which?\nAnswer: red",
      {
        question: "Which?",
        answer: "red",
        answers: ["red", "a red one"],
        context: "It is red.",
        metadata: { id: "5", title: "T" },
      },
    ],
    [{ prompt: "Hi", completion: "Hello" }, "prompt", "Prompt: Hi\nResponse: Hello", { prompt: "Hi", response: "Hello" }],
    [
      {
        prompt: "Hi",
        chosen: [
          { role: "user", content: "Hi" },
          { role: "assistant", content: "Hello!" },
        ],
        rejected: "Go away",
      },
      "prompt",
      "Prompt: Hi\nResponse: Hello!",
      { prompt: "Hi", response: "Hello!", rejected: "Go away" },
    ],
    [
      {
        messages: [
          { role: "user", content: [{ type: "text", text: "Hi" }] },
          { role: "assistant", content: "Hello" },
        ],
      },
      "chat",
      "user: Hi\n\nassistant: Hello",
      {
        messages: [
          { role: "user", content: "Hi" },
          { role: "assistant", content: "Hello" },
        ],
      },
    ],
    [
      {
        system: "Be brief.",
        conversations: [
          { from: "human", value: "Hi" },
          { from: "gpt", value: "Hello" },
        ],
      },
      "chat",
      "system: Be brief.\n\nuser: Hi\n\nassistant: Hello",
      {
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "Hi" },
          { role: "assistant", content: "Hello" },
        ],
      },
    ],
    [{ content: "Once upon a time" }, "text", "Once upon a time", null],
    [{ text: "Once", url: "https://a.example" }, "text", "Once", { metadata: { url: "https://a.example" } }],
    [
      { city: "Bern", people: 134_000, mayor: null, tags: ["a"] },
      "text",
      'city: Bern\npeople: 134000\ntags: ["a"]',
      { city: "Bern", people: 134_000, mayor: null, tags: ["a"] },
    ],
  ])("%j is %s", async (record, kind, text, fields) => {
    const { all } = await read(lines(record), "jsonl", "a.jsonl");
    expect(all).toEqual([{ row: { kind, text, fields, source: "a.jsonl#1", start: 0 } }]);
  });

  test("SQuAD has a row for each question of each paragraph, and knows which have no answer", async () => {
    const article = {
      title: "Bern",
      paragraphs: [
        {
          context: "Bern is a city.",
          qas: [{ id: "1", question: "What is Bern?", answers: [{ text: "a city", answer_start: 8 }] }],
        },
        { context: "It is old.", qas: [{ id: "2", question: "Is it new?", answers: [], is_impossible: true }] },
      ],
    };
    const { rows } = await read(JSON.stringify({ version: "v2.0", data: [article] }), "json", "squad.json");
    expect(rows.map(({ source, text, fields }) => [source, text, fields])).toEqual([
      [
        "squad.json#1.1",
        "Question: What is Bern?\nAnswer: a city",
        { question: "What is Bern?", answer: "a city", context: "Bern is a city.", metadata: { title: "Bern" } },
      ],
      [
        "squad.json#1.2",
        "Question: Is it new?",
        { question: "Is it new?", answer: "", context: "It is old.", metadata: { title: "Bern", is_impossible: true } },
      ],
    ]);
  });
});

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
    const { rows, problems } = await read([nested(63), nested(64), nested(200_000)].join("\n"), "jsonl");
    expect(rows.map(({ source }) => source)).toEqual(["file.jsonl#1"]);
    expect(problems.map(({ position, message }) => [position, message])).toEqual([
      [2, "is nested more than 64 deep"],
      [3, "is nested more than 64 deep"],
    ]);
    await expect(read(`[${nested(200_000)}]`, "json")).rejects.toThrow("nested too deeply");
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

describe("JSON", () => {
  test("its elements are what JSON.parse says, wherever the chunks end", async () => {
    const record = fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue({ maxDepth: 3 }), { minKeys: 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 8 }), fc.constantFrom(undefined, 2), async (records, indent) => {
        const wide = records.map((each) => ({ ...each, padding: 'x\\"[{,'.repeat(9_000) }));
        const { all } = await read(JSON.stringify(wide, null, indent), "json");
        const { all: expected } = await read(lines(...wide), "jsonl", "file.json");
        expect(all).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    ['[{"text":"a"},{"text":"b"}]', ["a", "b"]],
    ['{"version":"1 [","data":[{"text":"a"}],"rows":[{"text":"b"}]}', ["a", "b"]],
    ['{"features":[{"a":1}],"rows":[{"row_idx":0,"row":{"text":"a"},"truncated_cells":[]}]}', ["a"]],
    ['{"question":"Why, {really}?","answer":"So ]"}', ["Question: Why, {really}?\nAnswer: So ]"]],
    ['["a","b"]', ["a", "b"]],
    ["[]", []],
    [" [ ] ", []],
  ])("%s holds %j", async (text, expected) => {
    const { rows, problems } = await read(text, "json");
    expect(rows.map((row) => row.text)).toEqual(expected);
    expect(problems).toEqual([]);
  });

  test("an element that is wrong is a problem, and those around it are read", async () => {
    const huge = `{"text":"${"x".repeat(maxRecordLength)}"}`;
    const { rows, problems } = await read(`[{"text":"a"},{text:1},${huge},7,{"text":"b"},]`, "json");
    expect(rows.map(({ source }) => source)).toEqual(["file.json#1", "file.json#5"]);
    expect(problems.map(({ position, code }) => [position, code])).toEqual([
      [2, "invalid_record"],
      [3, "too_long"],
      [4, "invalid_record"],
    ]);
  });

  test.each([
    ['[{"text":"a"},{"te', "cut off"],
    ['{"text":"a"', "cut off"],
    ["", "cut off"],
    ['[{"text":"a"]}', "closes nothing"],
    ['[{"text":"a"}] [', "after the end"],
    ["hello", "no JSON"],
  ])("%s is refused in words", async (text, reason) => {
    await expect(read(text, "json")).rejects.toThrow(reason);
  });
});
