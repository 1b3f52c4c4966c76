import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { catalogOf } from "../../../src/catalog/service.ts";
import { readSettings, type TurnSettings } from "../../../src/agent/settings.ts";
import { adaptPromptTo, fitsContext } from "../../../src/agent/prompt/fallback-prompt.ts";
import type { Ctx } from "../../../src/context.ts";
import { insertMinion } from "../../minions/support/minions.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "../../support/api.ts";
import { createTestContexts, testBindings } from "../../support/in-process-context.ts";
import { createUser, type Person } from "../../support/users.ts";
import { startFakeLlm, type FakeLlm } from "../../support/fake-llm.ts";
import { turnInput, userMessage, settingsWith, runTestTurn, tool } from "../support/settings.ts";

/** What becomes of a turn whose minion's own model is out of order. */

let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let llm: FakeLlm;
let ctx: Ctx;
let me: Person;

beforeAll(async () => {
  [database, llm] = await Promise.all([openTestDatabase(), startFakeLlm()]);
  bridge = await startStoppableBridge(database);
  ctx = createTestContexts(testBindings(bridge.url, { EGRESS_ALLOWED_HOSTS: llm.host })).context("test");
  me = await createUser({ database });
  await catalogOf(ctx);
});
afterAll(async () => {
  await Promise.all([bridge.stopPostgres(), llm.close()]);
  await database.close();
});
beforeEach(() => void llm.requests.splice(0));

type Model = { model_id: string; context_length?: number; capabilities?: string[] };

async function makeModel({ model_id, context_length, capabilities = [] }: Model): Promise<number> {
  const [row] = await database.sql(
    `insert into external_models (user_id, name, display_name, provider, model_id, base_url, context_length, capabilities)
     values ($1, $2, $3, 'custom', $2, $4, $5, $6) returning id`,
    [me.id, model_id, crypto.randomUUID(), llm.baseUrl, context_length ?? null, capabilities],
  );
  return Number(row!["id"]);
}

/** The settings of a minion whose model is out, with these in its place. */
async function standingIn(...standIns: (Model | "builtin/extractive")[]): Promise<TurnSettings> {
  const own = await makeModel({ model_id: "own", capabilities: ["vision", "tools"] });
  const id = await insertMinion(database, me.id, { model: String(own), external_model_id: own });
  for (const [index, standIn] of standIns.entries()) {
    const external = typeof standIn === "string" ? null : await makeModel(standIn);
    await database.sql(
      "insert into minion_fallbacks (minion_id, position, user_id, model, external_model_id) values ($1, $2, $3, $4, $5)",
      [id, index + 1, me.id, typeof standIn === "string" ? standIn : String(external), external],
    );
  }
  const { modelCandidates: answering } = await readSettings(ctx, me.id, id);
  llm.replyWith({ pieces: [], status: 503 }, { pieces: ["I stand in."] });
  return settingsWith({ user_id: me.id, modelCandidates: answering });
}

/** Which models were asked, and whether they were handed tools, or a picture. */
const requestedTexts = () =>
  llm.requests.map(({ model, tools, tool_choice, messages }) =>
    [
      model,
      ...(tools === undefined && tool_choice === undefined ? [] : ["tools"]),
      ...(JSON.stringify(messages).includes("image_url") ? ["picture"] : []),
    ].join(" with "),
  );

/** What the last that was asked was told, in words. */
const lastMessages = () => JSON.stringify(llm.requests.at(-1)!.messages);

const picture = { type: "file", id: "a", name: "a.png", media_type: "image/png", size: 3 } as const;
const readFile = async () => new Uint8Array([1, 2, 3]);

test("a fallback model answers if it supports what the turn needs", async () => {
  const settings = await standingIn({ model_id: "other" });
  const { text, result } = await runTestTurn("Hello?", { ctx, settings });
  expect([text, result.model, requestedTexts()]).toEqual(["I stand in.", "custom/other", ["own", "other"]]);
});

test("a fallback with a context window that is too small is skipped", async () => {
  const settings = await standingIn({ model_id: "small", context_length: 2_000 }, { model_id: "large", context_length: 9_000 });
  await runTestTurn("Why? ".repeat(2_000), { ctx, settings });
  expect(requestedTexts()).toEqual(["own", "large"]);
});

test("a fallback is skipped if tool results have outgrown its context window", async () => {
  const settings = await standingIn(
    { model_id: "small", context_length: 4_000, capabilities: ["tools"] },
    { model_id: "large", context_length: 90_000, capabilities: ["tools"] },
  );
  const calls = { name: "look_up", input: { city: "Zürich" } };
  llm.replyWith({ pieces: [], calls }, { pieces: [], status: 503 }, { pieces: ["I stand in."] });
  const { text } = await runTestTurn("Hello?", { ctx, settings, tools: [tool({ run: async () => "long ".repeat(9_000) })] });
  expect([text, requestedTexts()]).toEqual(["I stand in.", ["own with tools", "own with tools", "large with tools"]]);
});

test("a summary is requested from a fallback whose context window fits it", async () => {
  const settings = await standingIn({ model_id: "small", context_length: 1_500 }, { model_id: "large" });
  const long = Array.from({ length: 9 }, (_, index) => userMessage(index + 1, "Why? ".repeat(500)));
  llm.replyWith({ pieces: [], status: 503 });
  await runTestTurn(turnInput(...long), {
    ctx,
    settings: { ...settings, model: { ...settings.model, context_length: 5_000 } },
  });
  expect(requestedTexts().slice(0, 2)).toEqual(["own", "large"]);
  expect(lastMessages()).toContain("Why?");
});

test("a fallback without vision receives a note for each picture, and one with vision receives the picture", async () => {
  const settings = await standingIn({ model_id: "blind" });
  await runTestTurn(turnInput(userMessage(1, "What is it?", [picture])), { ctx, settings, readFile });
  expect(requestedTexts()).toEqual(["own with picture", "blind"]);
  expect(lastMessages()).toContain("An image that the user attached, which you cannot see.");
  const other = await standingIn({ model_id: "seeing", capabilities: ["vision"] });
  llm.requests.splice(0);
  await runTestTurn(turnInput(userMessage(1, "What is it?", [picture])), { ctx, settings: other, readFile });
  expect(requestedTexts()).toEqual(["own with picture", "seeing with picture"]);
});

test("if every fallback is skipped, the turn fails with the error of the minion's own model", async () => {
  const settings = await standingIn({ model_id: "small", context_length: 100 });
  llm.replyWith({ pieces: [], status: 503 });
  const { result } = await runTestTurn("Hello?", { ctx, settings, timeouts: { callMs: 4_000 } });
  expect(result).toMatchObject({ outcome: "failed", failure: { code: "provider_unavailable", retryable: true } });
  expect(new Set(requestedTexts())).toEqual(new Set(["own"]));
});

test("a fallback without tool support receives no tools and needs no tokens for them", async () => {
  const tools = [tool({ description: "Looks it up. ".repeat(400) })];
  const settings = await standingIn({ model_id: "plain", context_length: 2_000 });
  await runTestTurn("Hello?", { ctx, settings, tools });
  expect(requestedTexts()).toEqual(["own with tools", "plain"]);
  const handy = await standingIn({ model_id: "handy", capabilities: ["tools"] });
  llm.requests.splice(0);
  await runTestTurn("Hello?", { ctx, settings: handy, tools });
  expect(requestedTexts()).toEqual(["own with tools", "handy with tools"]);
});

test("a fallback without tool support receives earlier tool results as quoted text", async () => {
  const settings = await standingIn({ model_id: "plain" });
  const calls = { name: "look_up", input: { city: "Zürich" } };
  llm.replyWith({ pieces: ["Let me see."], calls }, { pieces: [], status: 503 }, { pieces: ["I stand in."] });
  const { text } = await runTestTurn("Hello?", { ctx, settings, tools: [tool({ run: async () => "5 °C" })] });
  expect(text).toBe("Let me see.\n\nI stand in.");
  const { messages } = llm.requests.at(-1)!;
  expect(messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);
  expect(messages[3]!.content).toBe(JSON.stringify({ tool: "look_up", output: "5 °C" }));
  expect(lastMessages()).not.toContain("tool_call");
});

test("the built-in model can replace any model for any prompt", async () => {
  const settings = await standingIn("builtin/extractive");
  const question = userMessage(1, "Why? ".repeat(10_000), [picture]);
  const { result } = await runTestTurn(turnInput(question), { ctx, settings, readFile, tools: [tool()] });
  expect(result).toMatchObject({ outcome: "complete", model: "builtin/extractive" });
});

test("a fallback with unknown capabilities receives the unchanged prompt", () => {
  const all: LanguageModelV4CallOptions = {
    prompt: [{ role: "user", content: [{ type: "file", mediaType: "image/png", data: { type: "data", data: "AQID" } }] }],
    tools: [],
  };
  expect([fitsContext(null, all), adaptPromptTo(null, all)]).toEqual([true, all]);
});
