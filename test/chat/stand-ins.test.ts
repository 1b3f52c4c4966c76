import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { catalogOf } from "../../src/catalog/service.ts";
import { readSettings, type Settings } from "../../src/chat/settings.ts";
import type { Ctx } from "../../src/context.ts";
import { insertMinion } from "../minions/support.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "../support/api.ts";
import { openEvents, testBindings } from "../support/events.ts";
import { makePerson, type Person } from "../support/people.ts";
import { startSpeaker, type Speaker } from "./speaker.ts";
import { asked, asks, settingsWith, take, tool } from "./support.ts";

/** What becomes of a turn whose minion's own model is out of order. */

let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let speaker: Speaker;
let ctx: Ctx;
let me: Person;

beforeAll(async () => {
  [database, speaker] = await Promise.all([openTestDatabase(), startSpeaker()]);
  bridge = await startStoppableBridge(database);
  ctx = openEvents(testBindings(bridge.url, { EGRESS_ALLOWED_HOSTS: speaker.host })).context("test");
  me = await makePerson({ database });
  await catalogOf(ctx);
});
afterAll(async () => {
  await Promise.all([bridge.stopPostgres(), speaker.close()]);
  await database.close();
});
beforeEach(() => void speaker.heard.splice(0));

type Model = { model_id: string; context_length?: number; capabilities?: string[] };

async function makeModel({ model_id, context_length, capabilities = [] }: Model): Promise<number> {
  const [row] = await database.sql(
    `insert into external_models (user_id, name, display_name, provider, model_id, base_url, context_length, capabilities)
     values ($1, $2, $3, 'custom', $2, $4, $5, $6) returning id`,
    [me.id, model_id, crypto.randomUUID(), speaker.baseUrl, context_length ?? null, capabilities],
  );
  return Number(row!["id"]);
}

/** The settings of a minion whose model is out, with these in its place. */
async function standingIn(...standIns: (Model | "builtin/extractive")[]): Promise<Settings> {
  const own = await makeModel({ model_id: "own", capabilities: ["vision", "tools"] });
  const id = await insertMinion(database, me.id, { model: String(own), external_model_id: own });
  for (const [index, standIn] of standIns.entries()) {
    const external = typeof standIn === "string" ? null : await makeModel(standIn);
    await database.sql(
      "insert into minion_fallbacks (minion_id, position, user_id, model, external_model_id) values ($1, $2, $3, $4, $5)",
      [id, index + 1, me.id, typeof standIn === "string" ? standIn : String(external), external],
    );
  }
  const { answering } = await readSettings(ctx, me.id, id);
  speaker.says({ pieces: [], status: 503 }, { pieces: ["I stand in."] });
  return settingsWith({ user_id: me.id, answering });
}

/** Which models were asked, and whether they were handed tools. */
const heard = () => speaker.heard.map(({ model, tools }) => `${model}${tools === undefined ? "" : " with tools"}`);

test("whoever stands in answers, where nothing says that they cannot", async () => {
  const settings = await standingIn({ model_id: "other" });
  const { text, result } = await take("Hello?", { ctx, settings });
  expect([text, result.model, heard()]).toEqual(["I stand in.", "custom/other", ["own", "other"]]);
});

test("a model that is too small for what was said is passed over", async () => {
  const settings = await standingIn({ model_id: "small", context_length: 2_000 }, { model_id: "large", context_length: 9_000 });
  await take("Why? ".repeat(2_000), { ctx, settings });
  expect(heard()).toEqual(["own", "large"]);
});

test("and so is one that sees no pictures, where there is one to see", async () => {
  const settings = await standingIn({ model_id: "blind" }, { model_id: "seeing", capabilities: ["vision"] });
  const picture = { type: "file", id: "a", name: "a.png", media_type: "image/png", size: 3 } as const;
  const readFile = async () => new Uint8Array([1, 2, 3]);
  await take(asked(asks(1, "What is it?", [picture])), { ctx, settings, readFile });
  expect(heard()).toEqual(["own", "seeing"]);
  speaker.heard.splice(0);
  speaker.says({ pieces: [], status: 503 }, { pieces: ["I stand in."] });
  await take("And without?", { ctx, settings });
  expect(heard()).toEqual(["own", "blind"]);
});

test("where all are passed over, the turn fails for what the minion's own model lacks", async () => {
  const settings = await standingIn({ model_id: "small", context_length: 100 });
  speaker.says({ pieces: [], status: 503 });
  const { result } = await take("Hello?", { ctx, settings, patience: { callMs: 4_000 } });
  expect(result).toMatchObject({ outcome: "failed", failure: { code: "provider_unavailable", retryable: true } });
  expect(new Set(heard())).toEqual(new Set(["own"]));
});

test("a model that calls no tools is handed none", async () => {
  const settings = await standingIn({ model_id: "plain" });
  await take("Hello?", { ctx, settings, tools: [tool()] });
  expect(heard()).toEqual(["own with tools", "plain"]);
  const handy = await standingIn({ model_id: "handy", capabilities: ["tools"] });
  speaker.heard.splice(0);
  await take("Hello?", { ctx, settings: handy, tools: [tool()] });
  expect(heard()).toEqual(["own with tools", "handy with tools"]);
});

test("the model of this server stands in for any, whatever was said", async () => {
  const settings = await standingIn("builtin/extractive");
  const { result } = await take("Why? ".repeat(10_000), { ctx, settings, tools: [tool()] });
  expect(result).toMatchObject({ outcome: "complete", model: "builtin/extractive" });
});
