import { describe, expect, test } from "vitest";
import { RowFilter } from "../../../../src/datasets/cleaning/row-filter.ts";
import { read } from "../../support/datasets.ts";

/** The row of a record: its kind, its text, its fields, and why it was dropped. */
async function rowOf(record: unknown) {
  const { rows, problems } = await read(JSON.stringify(record), "jsonl");
  expect(problems).toEqual([]);
  expect(rows).toHaveLength(1);
  const { dropped } = await new RowFilter().evaluate(rows[0]!);
  return { ...rows[0]!, dropped };
}

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });

describe("a conversation", () => {
  test.each([
    [
      ["human", "function_call", "observation", "gpt"],
      ["user", "assistant", "tool", "assistant"],
    ],
    [
      ["User", "tool_call", "function_response", "AI"],
      ["user", "assistant", "tool", "assistant"],
    ],
    [
      ["USER", "Tool Calls", "tool_response", "CHATBOT"],
      ["user", "assistant", "tool", "assistant"],
    ],
  ])("with the roles %j is whole", async (given, roles) => {
    const conversations = given.map((from, index) => ({ from, value: `text ${index}` }));
    const row = await rowOf({ conversations });
    expect(row).toMatchObject({ kind: "chat", dropped: null });
    expect(row.fields).toEqual({ messages: roles.map((role, index) => ({ role, content: `text ${index}` })) });
  });

  test.each([
    ["content", [{ type: "text", text: "Hi" }]],
    ["value", [{ type: "text", value: "Hi" }]],
    ["text", "Hi"],
    ["text", [{ text: { value: "Hi", annotations: [] } }]],
    ["parts", [{ text: "Hi" }]],
    ["content", { content_type: "text", parts: ["Hi"] }],
  ])("with its text under %s as %j is read", async (key, content) => {
    const row = await rowOf({ messages: [{ role: "user", [key]: content }, assistant("Hello")] });
    expect(row).toMatchObject({ kind: "chat", text: "user: Hi\n\nassistant: Hello", dropped: null });
  });

  test("a conversation keeps the tool calls of OpenAI, with their names and arguments in its text", async () => {
    const calls = [{ id: "c1", type: "function", function: { name: "weather", arguments: '{"city":"Bern"}' } }];
    const messages = [
      user("Rain?"),
      { role: "assistant", content: null, tool_calls: calls },
      { role: "tool", tool_call_id: "c1", content: "dry" },
    ];
    const row = await rowOf({ messages, tools: [{ type: "function" }] });
    expect(row.text).toBe('user: Rain?\n\nassistant: weather({"city":"Bern"})\n\ntool: dry');
    expect(row.dropped).toBeNull();
    expect(row.fields).toEqual({
      messages: [user("Rain?"), { ...assistant(""), tool_calls: calls }, { role: "tool", tool_call_id: "c1", content: "dry" }],
      metadata: { tools: [{ type: "function" }] },
    });
  });

  test("a conversation keeps parts that are not text", async () => {
    const image = { type: "image_url", image_url: { url: "https://a.example/b.png" } };
    const use = { type: "tool_use", id: "t1", name: "weather", input: { city: "Bern" } };
    const result = { type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text: "dry" }] };
    const messages = [
      { role: "user", content: [image, { type: "text", text: "What is it?" }] },
      { role: "assistant", content: [use] },
      { role: "user", content: [result] },
      assistant("A cat."),
    ];
    const row = await rowOf({ messages });
    expect(row.text).toBe('user: What is it?\n\nassistant: weather({"city":"Bern"})\n\nuser: dry\n\nassistant: A cat.');
    expect(row.fields).toEqual({
      messages: [
        { ...user("What is it?"), parts: [image] },
        { ...assistant(""), parts: [use] },
        { ...user("dry"), parts: [result] },
        assistant("A cat."),
      ],
    });
  });

  test("a conversation of Gemini has contents with parts and a system instruction", async () => {
    const row = await rowOf({
      systemInstruction: { parts: [{ text: "Be brief." }] },
      contents: [
        { role: "user", parts: [{ text: "Rain?" }] },
        { role: "model", parts: [{ functionCall: { name: "weather", args: { city: "Bern" } } }] },
        { role: "function", parts: [{ functionResponse: { name: "weather", response: { sky: "dry" } } }] },
        { role: "model", parts: [{ text: "No." }] },
      ],
    });
    expect(row).toMatchObject({ kind: "chat", dropped: null });
    expect(row.text).toBe(
      [
        "system: Be brief.",
        "user: Rain?",
        'assistant: weather({"city":"Bern"})',
        'tool: {"name":"weather","response":{"sky":"dry"}}',
        "assistant: No.",
      ].join("\n\n"),
    );
  });

  test("a conversation in a cell of a table is read", async () => {
    const cell = JSON.stringify([user("Hi"), assistant("Hello")]).replaceAll('"', '""');
    const { rows } = await read(`id,messages\n1,"${cell}"\n`, "csv");
    expect(rows).toMatchObject([{ kind: "chat", text: "user: Hi\n\nassistant: Hello", fields: { metadata: { id: "1" } } }]);
  });

  test("a conversation keeps the other keys of a message", async () => {
    const row = await rowOf({
      messages: [
        { ...user("Hi"), name: "Ada", weight: 0 },
        { ...assistant("Hello"), reasoning: "…" },
      ],
    });
    expect(row.fields).toEqual({
      messages: [
        { ...user("Hi"), name: "Ada", weight: 0 },
        { ...assistant("Hello"), reasoning: "…" },
      ],
    });
  });
});

test.each(["toString", "constructor", "narrator"])("a conversation with the unknown role %s is malformed", async (role) => {
  const row = await rowOf({ messages: [user("Hi"), assistant("Hello"), { role, content: "…" }] });
  expect(row).toMatchObject({ kind: "chat", dropped: "malformed" });
});

describe("preference data", () => {
  const chosen = assistant("Hello!");
  const rejected = assistant("Go away.");
  const whole = {
    kind: "chat",
    text: "user: Hi\n\nassistant: Hello!",
    fields: { messages: [user("Hi"), chosen], rejected: [rejected] },
  };

  test.each([
    ["a prompt that is a conversation", { prompt: [user("Hi")], chosen: [chosen], rejected: [rejected] }, whole],
    ["messages with a chosen message", { conversations: [{ from: "human", value: "Hi" }], chosen, rejected }, whole],
    [
      "whole conversations",
      { chosen: [user("Hi"), chosen], rejected: [user("Hi"), rejected] },
      { ...whole, fields: { messages: [user("Hi"), chosen], rejected: [user("Hi"), rejected] } },
    ],
    [
      "paragraphs of a human and an assistant",
      { chosen: "\n\nHuman: Hi\n\nAssistant: Hello!", rejected: "\n\nHuman: Hi\n\nAssistant: Go away." },
      { ...whole, fields: { messages: [user("Hi"), chosen], rejected: [user("Hi"), rejected] } },
    ],
    [
      "texts",
      { prompt: "Hi", chosen: "Hello!", rejected: "Go away." },
      {
        kind: "prompt",
        text: "Prompt: Hi\nResponse: Hello!",
        fields: { prompt: "Hi", response: "Hello!", rejected: "Go away." },
      },
    ],
    [
      "a question",
      { system: "Be kind.", question: "Hi", chosen: "Hello!", rejected: "Go away." },
      {
        kind: "question",
        text: "Question: Hi\nAnswer: Hello!",
        fields: { question: "Hi", answer: "Hello!", system: "Be kind.", rejected: "Go away." },
      },
    ],
    [
      "an instruction",
      { instruction: "Greet", input: "Ada", chosen: "Hello!", rejected: "Go away." },
      {
        kind: "instruction",
        text: "Instruction: Greet\nInput: Ada\nOutput: Hello!",
        fields: { instruction: "Greet", input: "Ada", output: "Hello!", rejected: "Go away." },
      },
    ],
    [
      "a long conversation with a text as prompt",
      { prompt: "Bye", chosen: [user("Hi"), chosen, user("Bye"), assistant("Bye!")], rejected: "No." },
      {
        kind: "chat",
        fields: {
          messages: [user("Hi"), chosen, user("Bye"), assistant("Bye!")],
          rejected: "No.",
          metadata: { prompt: "Bye" },
        },
      },
    ],
  ])("of %s loses nothing", async (_, record, expected) => {
    const row = await rowOf(record);
    expect(row).toMatchObject({ ...expected, dropped: null });
    expect(row.fields).toEqual(expected.fields);
  });
});
