import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callableTools, readSettings, withOverrides } from "../../src/agent/settings.ts";
import { catalogOf } from "../../src/catalog/service.ts";
import type { Ctx } from "../../src/context.ts";
import { insertBase } from "../knowledge/support/knowledge-bases.ts";
import { readPrices } from "../../src/models/usage/prices.ts";
import { grantSpirits, insertMinion, outcomeOf } from "../minions/support/minions.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "../support/api.ts";
import { createTestContexts, testBindings } from "../support/in-process-context.ts";
import { createUser, type Person } from "../support/users.ts";
import { turnInput, settingsWith, runTestTurn, tool } from "./support/settings.ts";

let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let ctx: Ctx;
let me: Person;

beforeAll(async () => {
  database = await openTestDatabase();
  bridge = await startStoppableBridge(database);
  ctx = createTestContexts(testBindings(bridge.url)).context("test");
  me = await createUser({ database });
  // An isolate reads both once.
  await Promise.all([catalogOf(ctx), readPrices(ctx)]);
});

afterAll(async () => {
  await bridge.stopPostgres();
  await database.close();
});

/** How many round trips work makes. */
async function trips<T>(work: () => Promise<T>): Promise<[T, number]> {
  const before = bridge.roundTrips();
  const done = await work();
  return [done, bridge.roundTrips() - before];
}

const equip = async (minionId: number, spiritIds: number[], experience = 0) => {
  await grantSpirits(database, me.id, spiritIds);
  await database.sql(
    `insert into minion_spirits (minion_id, spirit_id, position, experience)
     select $1, spirit_id, place, $3 from unnest($2::int[]) with ordinality t (spirit_id, place)`,
    [minionId, spiritIds, experience],
  );
};

async function makeModel(given: Record<string, unknown> = {}): Promise<number> {
  const columns = { user_id: me.id, name: "gpt", provider: "custom", model_id: "my-model", ...given };
  const named = { display_name: crypto.randomUUID(), ...columns };
  const places = Object.keys(named).map((_, index) => `$${index + 1}`);
  const [row] = await database.sql(
    `insert into external_models (${Object.keys(named).join(", ")}) values (${places.join(", ")}) returning id`,
    Object.values(named),
  );
  return Number(row!["id"]);
}

describe("settings of a minion", () => {
  test("the settings are plain data and are read in one round trip", async () => {
    const base = await insertBase(database, me.id, { 7: [{ text: "The Rhine reaches the North Sea." }] });
    const id = await insertMinion(database, me.id, {
      system_prompt: "Be brief.",
      rag_enabled: true,
      knowledge_base_id: base.id,
      top_k: 2,
      temperature: 0.5,
      retrieval_method: "keyword",
    });
    const [settings, count] = await trips(() => readSettings(ctx, me.id, id));
    expect(count).toBe(1);
    expect(structuredClone(settings)).toEqual(settings);
    expect(settings).toMatchObject({
      user_id: me.id,
      minion_id: id,
      parts: { minion: { name: "ada", system_prompt: "Be brief." }, minion_class: null },
      spirits: [],
      sampling: { temperature: 0.5, top_p: null, max_tokens: null },
      model: { context_length: null, sees_pictures: false, calls_tools: false },
      modelCandidates: [{ model: "builtin/extractive" }],
      retrieval: { is_enabled: true, base, top_k: 2, method: "keyword", threshold: 0 },
      citations_enabled: true,
    });
  });

  test("the settings contain the active spirits with the tools of their level", async () => {
    const { spirits, tools } = await catalogOf(ctx);
    const [first, second] = [spirits[0]!, spirits[1]!];
    const [novice, adept] = [await insertMinion(database, me.id), await insertMinion(database, me.id)];
    await equip(novice, [first.id]);
    await equip(adept, [second.id], 100_000);
    const idOf = (name: string) => tools.find((each) => each.name === name)!.id;
    const answerOf = async (id: number) =>
      (await readSettings(ctx, me.id, id)).spirits.map(({ spirit_id, tools: its }) => [
        spirit_id,
        its.map(({ tool_id }) => tool_id),
      ]);
    expect(await answerOf(novice)).toEqual([[first.id, first.tools.slice(0, 2).map(idOf)]]);
    expect(await answerOf(adept)).toEqual([[second.id, second.tools.map(idOf)]]);
    await database.sql("delete from user_spirit_access where user_id = $1 and spirit_id = $2", [me.id, second.id]);
    await database.sql("update spirits_registry set tier = 'premium' where id = $1", [second.id]);
    expect(await answerOf(adept)).toEqual([]);
  });

  test("the settings of an external model apply where the minion sets nothing", async () => {
    const external_model_id = await makeModel({
      context_length: 32_000,
      capabilities: ["chat", "tools", "vision"],
      temperature: 0.2,
      max_tokens: 500,
      system_prompt: "Be a poet.",
    });
    const model = String(external_model_id);
    const plain = await readSettings(ctx, me.id, await insertMinion(database, me.id, { model, external_model_id }));
    expect(plain).toMatchObject({
      model: { context_length: 32_000, sees_pictures: true, calls_tools: true },
      sampling: { temperature: 0.2, max_tokens: 500 },
      parts: { minion: { system_prompt: "Be a poet." } },
      modelCandidates: [{ model, id: external_model_id, provider: "custom", model_id: "my-model" }],
      retrieval: null,
    });
    const own = { model, external_model_id, temperature: 1, system_prompt: "Be a cook." };
    expect(await readSettings(ctx, me.id, await insertMinion(database, me.id, own))).toMatchObject({
      sampling: { temperature: 1, max_tokens: 500 },
      parts: { minion: { system_prompt: "Be a cook." } },
    });
    const refusing = await makeModel({ capabilities: ["chat", "tools"], quirks: JSON.stringify({ tools: false }) });
    const without = await insertMinion(database, me.id, { model: String(refusing), external_model_id: refusing });
    expect(await readSettings(ctx, me.id, without)).toMatchObject({ model: { calls_tools: false } });
    const unknown = await makeModel();
    const on = { model: String(unknown), external_model_id: unknown };
    expect(await readSettings(ctx, me.id, await insertMinion(database, me.id, on))).toMatchObject({
      model: { context_length: 8_192, sees_pictures: false, calls_tools: false },
    });
  });

  test("the settings are not found for another user's, trashed or deleted minion, and refused for a banned user", async () => {
    const other = await createUser({ database });
    const [theirs, binned] = [
      await insertMinion(database, other.id),
      await insertMinion(database, me.id, { deleted_at: "2026-01-01" }),
    ];
    for (const id of [theirs, binned, 2_000_000_000]) {
      expect(await outcomeOf(readSettings(ctx, me.id, id))).toBe("not_found");
    }
    await database.sql("update users set banned_at = now() where id = $1", [other.id]);
    expect(await outcomeOf(readSettings(ctx, other.id, theirs))).toBe("account_banned");
  });

  test("reading the settings fails while Postgres is down and works once it is back", async () => {
    const id = await insertMinion(database, me.id);
    await bridge.stopPostgres();
    expect(await outcomeOf(readSettings(ctx, me.id, id))).toBe("database_unavailable");
    await bridge.startPostgres();
    expect(await readSettings(ctx, me.id, id)).toMatchObject({ minion_id: id });
  });
});

describe("a turn with the settings of a minion", () => {
  test("a turn with a knowledge base queries Postgres once and cites the source", async () => {
    const chunks = [
      { text: "The Rhine reaches the North Sea at Rotterdam.", source: "rivers.csv#2" },
      { text: "Knead the dough." },
    ];
    const base = await insertBase(database, me.id, { 7: chunks });
    const id = await insertMinion(database, me.id, { rag_enabled: true, knowledge_base_id: base.id });
    const settings = await readSettings(ctx, me.id, id);
    const before = bridge.roundTrips();
    let first: number | undefined;
    const onEvent = ({ type }: { type: string }) => void (type === "text" && (first ??= bridge.roundTrips() - before));
    const [{ result, events, text }, count] = await trips(() =>
      runTestTurn("Which sea does the Rhine reach?", { ctx, settings, onEvent }),
    );
    expect([first, count]).toEqual([1, 1]);
    expect(text).toContain("“The Rhine reaches the North Sea at Rotterdam.” [1]");
    expect(events.at(-1)).toMatchObject({
      type: "citation",
      citation: {
        number: 1,
        source: "rivers.csv#2",
        dataset_id: 7,
        text: chunks[0]!.text,
        start: 0,
        end: chunks[0]!.text.length,
      },
    });
    expect(result).toMatchObject({
      outcome: "complete",
      model: "builtin/extractive",
      has_retrieved: true,
      memory_status: "full",
      calls: [{ record: { outcome: "complete" }, external_model_id: null, key_ref: null, is_key_rejected: false }],
    });
  });

  test("a turn without a knowledge base does not query Postgres", async () => {
    const settings = await readSettings(ctx, me.id, await insertMinion(database, me.id, { rag_enabled: true }));
    const [{ result, text }, count] = await trips(() => runTestTurn("Which sea?", { ctx, settings }));
    expect(count).toBe(0);
    expect(text).toContain("I know nothing yet");
    expect(result).toMatchObject({ outcome: "complete", has_retrieved: false });
  });

  test("a turn with a knowledge base fails while Postgres is down", async () => {
    const base = await insertBase(database, me.id);
    const id = await insertMinion(database, me.id, { rag_enabled: true, knowledge_base_id: base.id });
    const settings = await readSettings(ctx, me.id, id);
    await bridge.stopPostgres();
    const { result, text } = await runTestTurn("Which sea?", { ctx, settings });
    await bridge.startPostgres();
    expect(result).toMatchObject({ outcome: "failed", failure: { code: "database_unavailable", retryable: true }, calls: [] });
    expect(text).toBe("");
  });

  test("usage is recorded for the row of the model that answered, of two with the same name", async () => {
    const [off, on] = [await makeModel({ is_active: false }), await makeModel({ base_url: "https://127.0.0.1:9/v1" })];
    const id = await insertMinion(database, me.id, { model: String(off), external_model_id: off });
    await database.sql(
      "insert into minion_fallbacks (minion_id, position, user_id, model, external_model_id) values ($1, 1, $2, $3::int::text, $3)",
      [id, me.id, on],
    );
    const { result } = await runTestTurn(turnInput("Hello?"), { ctx, settings: await readSettings(ctx, me.id, id) });
    expect(result).toMatchObject({
      outcome: "failed",
      model: null,
      calls: [{ external_model_id: on, record: { outcome: "failed", attempts: [{ outcome: "not_configured" }, {}] } }],
    });
  });
});

describe("overrides of one turn", () => {
  test("overrides replace the stored settings and change nothing else", () => {
    const settings = settingsWith({ sampling: { temperature: 0.1, top_p: 0.2, max_tokens: 30 } });
    expect(withOverrides(settings, {})).toEqual(settings);
    const changed = withOverrides(settings, { temperature: 1, system_prompt: "", use_spirits: false, use_rag: true });
    expect(changed).toEqual({
      ...settings,
      sampling: { temperature: 1, top_p: 0.2, max_tokens: 30 },
      parts: { ...settings.parts, minion: { ...settings.parts.minion, system_prompt: "" } },
      spirits: [],
    });
  });
});

describe("callable tools", () => {
  const namesIn = (settings: Partial<Parameters<typeof settingsWith>[0]>, ...tools: Parameters<typeof tool>[0][]) =>
    callableTools(settingsWith(settings), tools.map(tool)).map(({ name, spirit_id }) => `${name} of ${spirit_id}`);

  test("the active spirits provide the tools of their level, each name once", () => {
    const lacked = [{ name: "delete_all" }, { spirit_id: 8 }, { tool_id: 72 }];
    expect(namesIn({}, {}, ...lacked, {})).toEqual(["look_up of 7"]);
    expect(namesIn({ spirits: [] }, {})).toEqual([]);
  });

  test("a model without tool support has no tools", () => {
    expect(namesIn({ model: { context_length: null, sees_pictures: false, calls_tools: false } }, {})).toEqual([]);
  });
});
