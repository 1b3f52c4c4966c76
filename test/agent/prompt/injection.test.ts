import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { memorySource } from "../../../src/datasets/formats/types.ts";
import { parseRows } from "../../../src/datasets/formats/parse-file.ts";
import type { Format } from "../../../src/datasets/formats/registry.ts";
import { readPassages } from "../../../src/models/gateway/passage-block.ts";
import { answer } from "../../../src/models/providers/builtin/answer.ts";
import { hello } from "../../models/support/scripted-model.ts";
import { modelOf, passage, runTestTurn, settingsWith, systemIn, turnInput, withBase } from "../support/settings.ts";

const injections = JSON.parse(readFileSync("test/fixtures/injections.json", "utf8")) as string[];

/** What a reader makes of a document: the text that is indexed. */
async function textOf(document: string, format: Format): Promise<string> {
  const texts: string[] = [];
  for await (const parsed of parseRows(memorySource(Buffer.from(document)), { format, name: `document.${format}` })) {
    if ("row" in parsed) texts.push(parsed.row.text);
  }
  return texts.join("\n");
}

const escapeHtml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const carriers: [name: string, read: (text: string) => Promise<string>][] = [
  [
    "a web page",
    (text) =>
      textOf(`<!doctype html><main><h1>Refunds</h1><p>${escapeHtml(text)}</p><p>Refunds take a week.</p></main>`, "html"),
  ],
  ["a document", (text) => textOf(`# Refunds\n\n${text}\n\nRefunds take a week.\n`, "markdown")],
];

/** What a turn sends to its model. */
async function requestOf(passageText: string, fact: string) {
  const { model, requests } = modelOf(hello);
  const facts = [{ id: 1, text: fact, created_at: "2026-01-01T09:00:00Z" }];
  await runTestTurn(
    { ...turnInput("How long does a refund take?"), facts },
    { model, settings: settingsWith({ retrieval: withBase() }), retrieve: async () => [passage(passageText)] },
  );
  const { prompt, tools } = requests.at(-1)!;
  return { system: systemIn(prompt), prompt, tools };
}

/** A system prompt without the lines of data that its blocks quote. */
const instructionsIn = (system: string) => system.split("\n").filter((line) => !line.startsWith("{"));

describe.each(carriers)("an instruction in %s", (_name, read) => {
  test.each(injections)("%j stays data in the prompt, and changes no instruction, tool or message", async (injection) => {
    const text = await read(injection);
    const plain = await requestOf("Refunds take a week.", "I like tea.");
    const hostile = await requestOf(text, "I like tea.");
    expect(instructionsIn(hostile.system)).toEqual(instructionsIn(plain.system));
    expect(hostile.system.split("\n")).toHaveLength(plain.system.split("\n").length);
    expect(hostile.prompt.slice(1)).toEqual(plain.prompt.slice(1));
    expect(hostile.tools).toEqual(plain.tools);
    expect(readPassages(hostile.prompt).map((each) => each.text)).toEqual([text]);
  });

  test.each(injections)("%j does not change the answer of the extractive model", async (injection) => {
    const first = { text: await read(injection), source: "refunds", score: 1, number: 1 };
    const { text, cited } = await answer("How long do refunds take?", [first], []);
    expect(text).toContain("“Refunds take a week.” [1]");
    expect(cited).toEqual([first]);
  });
});

describe("an instruction in a fact", () => {
  test.each(injections)("%j stays data in the prompt, and changes no instruction, tool or message", async (injection) => {
    const plain = await requestOf("Refunds take a week.", "I like tea.");
    const hostile = await requestOf("Refunds take a week.", injection);
    expect(instructionsIn(hostile.system)).toEqual(instructionsIn(plain.system));
    expect(hostile.system.split("\n")).toHaveLength(plain.system.split("\n").length);
    expect(hostile.prompt.slice(1)).toEqual(plain.prompt.slice(1));
    expect(hostile.tools).toEqual(plain.tools);
    expect(readPassages(hostile.prompt).map(({ text }) => text)).toEqual(["Refunds take a week."]);
  });
});
