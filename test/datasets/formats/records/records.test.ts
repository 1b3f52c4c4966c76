import { describe, expect, test } from "vitest";
import { read } from "../../support/datasets.ts";

const lines = (...records: unknown[]) => records.map((record) => JSON.stringify(record)).join("\n");

describe("recognition of a row by its columns", () => {
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
        metadata: { id: "5", title: "T", answers: { text: ["red", "a red one", "red"], answer_start: [6, 6, 6] } },
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

  test("SQuAD gives a row for each question of each paragraph and marks those without an answer", async () => {
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
        {
          question: "What is Bern?",
          answer: "a city",
          context: "Bern is a city.",
          metadata: { id: "1", title: "Bern", answers: [{ text: "a city", answer_start: 8 }] },
        },
      ],
      [
        "squad.json#1.2",
        "Question: Is it new?",
        {
          question: "Is it new?",
          answer: "",
          context: "It is old.",
          metadata: { id: "2", title: "Bern", is_impossible: true },
        },
      ],
    ]);
  });
});
