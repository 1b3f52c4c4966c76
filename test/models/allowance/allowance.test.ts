import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { startNeonBridge, type NeonBridge } from "../../../dev/postgres/bridge/neon-bridge.ts";
import type { Ctx } from "../../../src/context.ts";
import { toAppError } from "../../../src/kit/db/errors.ts";
import { providerSettings } from "../../../src/models/providers/settings.ts";
import { gatewayEmbeddingModel, gatewayModel } from "../../../src/models/gateway/gateway.ts";
import { embeddingCandidate, languageCandidate } from "../../../src/models/providers/registry.ts";
import { smallestAllowance } from "../../../src/models/allowance/rules.ts";
import { testModel } from "../../../src/models/external-models/test-model.ts";
import { subscribe } from "../../billing/support/billing.ts";
import { clientOf, databaseTrips, type Client } from "../../minions/support/minions.ts";
import { useApi } from "../../support/api.ts";
import { createTestContexts, testBindings } from "../../support/in-process-context.ts";
import { createUser, type Person } from "../../support/users.ts";
import { script } from "../../support/vendors/script.ts";
import { fakeAi, type FakeAi } from "../../support/vendors/workers-ai.ts";
import { failureOf as thrownBy } from "../support/scripted-model.ts";
import { question } from "../support/models.ts";

/** The real hub counts; models run in this process, on a stand-in for the binding that development does not have. */
const api = useApi();
const { turns, tokens } = smallestAllowance;
const aCall = script.usage.input + script.usage.output;
const llama = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";
let bridge: NeonBridge;
let ai: FakeAi;
let person: Person;
let me: Client;
let events: ReturnType<typeof createTestContexts>;
let ctx: Ctx;

beforeAll(async () => {
  bridge = await startNeonBridge({ databaseUrl: api.database.url });
});
afterAll(() => bridge.close());

beforeEach(async () => {
  ai = fakeAi();
  person = await createUser(api);
  me = clientOf(api, person);
  await eventsWith((await api.worker.getEnv()).USER_HUB);
});

async function eventsWith(USER_HUB: unknown): Promise<void> {
  events = createTestContexts(testBindings(bridge.url, { USER_HUB, AI: ai.binding }));
  ctx = events.context("test");
}

const model = () => gatewayModel([languageCandidate(`workers-ai/${llama}`, providerSettings(ctx, person.id))], { pauseMs: 1 });
const callModel = () => model().doGenerate({ ...question, maxOutputTokens: 16 });
const budget = async () => api.worker.getDurableObjectStorage("USER_HUB", { name: String(person.id) });

/** Waits for what is put off, and tells what is left. */
async function allowance() {
  await events.settled();
  const { status, body } = await me.get("/usage/allowance");
  expect(status).toBe(200);
  return body.allowance as { plan: string; turns: { used: number; left: number }; tokens: { used: number }; resets_at: string };
}

/** Lets somebody have used this much. @returns how the same is said once more */
async function spend(amount: { turns: number; tokens: number }): Promise<() => Promise<void>> {
  const { USER_HUB } = await api.worker.getEnv();
  const limits = { turns: 1e6, tokens: 1e9, until: Date.now() };
  const claim = { id: crypto.randomUUID(), amount, floor: { turns: 1e6, tokens: 1e9 }, limits };
  const reserve = async () => void (await USER_HUB.getByName(String(person.id)).takeBudget(claim));
  await reserve();
  return reserve;
}

describe("the allowance", () => {
  test("the reply has the limits, the usage and the time of the reset", async () => {
    const line = (limit: number, used = 0) => ({ limit, used, left: limit - used });
    const { resets_at, ...shown } = await allowance();
    expect(shown).toEqual({ plan: "Free Plan", turns: line(turns), tokens: line(tokens) });
    expect(resets_at).toBe(new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000).toISOString());
    await callModel();
    expect(await allowance()).toMatchObject({ turns: line(turns, 1), tokens: line(tokens, aCall) });
    expect(databaseTrips(await me.get("/usage/allowance"))).toBe(1);
  });

  test("concurrent turns are allowed exactly up to the limit", async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: turns + 15 }, callModel));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(turns);
    expect(ai.runs).toHaveLength(turns);
    const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
    expect(refused).toEqual(Array.from({ length: 15 }, () => expect.objectContaining({ code: "allowance_exhausted" })));
    expect(await allowance()).toMatchObject({ turns: { left: 0 }, tokens: { used: turns * aCall } });
  });

  test("no Postgres query is made before the allowance is used up", async () => {
    const before = bridge.roundTrips();
    await callModel();
    await events.settled();
    expect(bridge.roundTrips()).toBe(before);
  });

  test("a used-up allowance is 429 with Retry-After", async () => {
    await spend({ turns, tokens: 0 });
    const { status, code, message, headers } = toAppError(await thrownBy(callModel()), {})!;
    expect({ status, code }).toEqual({ status: 429, code: "allowance_exhausted" });
    expect(message).toMatch(/^Your daily allowance of 20 turns .* used up\. It resets at \d{4}-\d\d-\d\dT00:00Z\. /);
    const seconds = Number(headers["retry-after"]);
    expect(Math.abs(Date.now() + seconds * 1_000 - Date.parse((await allowance()).resets_at))).toBeLessThan(10_000);
    expect(ai.runs).toEqual([]);
  });

  test("a call that may need more tokens than are left is refused, and a shorter one is allowed", async () => {
    await spend({ turns: 1, tokens: tokens - 500 });
    const long = await thrownBy(model().doGenerate(question));
    expect(long.message).toContain("needs more than the 500 tokens left");
    await callModel();
    expect(ai.runs).toHaveLength(1);
  });

  test("a new plan raises the allowance at once with one Postgres query", async () => {
    await spend({ turns, tokens: 0 });
    await thrownBy(callModel());
    await subscribe(api.database, person.id);
    const before = bridge.roundTrips();
    await callModel();
    await callModel();
    expect(bridge.roundTrips()).toBe(before + 1);
    expect(await allowance()).toMatchObject({ plan: "Creator Plan", turns: { limit: 200, used: turns + 2 } });
  });

  test("a failed call gets its turn back", async () => {
    ai.failNext(3040, 3040);
    await thrownBy(callModel());
    expect(ai.runs).toHaveLength(2);
    expect(await allowance()).toMatchObject({ turns: { used: 0 }, tokens: { used: 0 } });
  });

  test("embeddings count tokens and no turn", async () => {
    const embed = () => {
      const candidate = embeddingCandidate("workers-ai/@cf/baai/bge-base-en-v1.5", providerSettings(ctx, person.id));
      return gatewayEmbeddingModel(candidate).doEmbed({ values: ["Eight by", "Eight"] });
    };
    await embed();
    expect(await allowance()).toMatchObject({ turns: { used: 0 }, tokens: { used: 4 } });
    await spend({ turns, tokens: 0 });
    await embed();
    await spend({ turns: 0, tokens: tokens - 10 });
    expect(await thrownBy(embed())).toMatchObject({ code: "allowance_exhausted" });
  });

  test("models that cost the operator nothing do not count", async () => {
    await spend({ turns, tokens });
    await gatewayModel([languageCandidate("builtin/extractive", providerSettings(ctx, person.id))]).doGenerate(question);
    expect(await allowance()).toMatchObject({ turns: { used: turns } });
  });

  test("a test of a model counts too", async () => {
    await spend({ turns, tokens: 0 });
    const failure = await thrownBy(testModel(ctx, person.id, { provider: "workers-ai", model_id: llama }));
    expect(toAppError(failure, {})).toMatchObject({ code: "allowance_exhausted", status: 429 });
    expect(ai.runs).toEqual([]);
  });
});

describe("the hub that counts usage", () => {
  test("a new day starts at zero", async () => {
    await callModel();
    expect(await allowance()).toMatchObject({ turns: { used: 1 }, tokens: { used: aCall } });
    const storage = await budget();
    expect(await storage.exec("update day_budget set ends_at = 1 returning id")).toEqual([{ id: 1 }]);
    expect(await allowance()).toMatchObject({ turns: { used: 0 }, tokens: { used: 0 } });
  });

  test("the alarm deletes the usage of a past day", async () => {
    const spendAgain = await spend({ turns, tokens: 0 });
    expect(await thrownBy(callModel())).toMatchObject({ code: "allowance_exhausted" });
    const storage = await budget();
    const rows = async (name: string) => storage.exec("select 1 from sqlite_schema where name = ?", name);
    expect(await rows("day_budget")).toHaveLength(1);
    // Midnight is brought here: what is said once more has the alarm set for it, and counts nothing.
    const endsAt = Date.now() + 2_000;
    await storage.exec("update day_budget set ends_at = ?", endsAt);
    await spendAgain();
    await expect.poll(() => rows("day_budget")).toEqual([]);
    expect(Date.now()).toBeGreaterThanOrEqual(endsAt);
    expect(await allowance()).toMatchObject({ turns: { used: 0, left: turns }, tokens: { used: 0 } });
    await callModel();
    expect(await allowance()).toMatchObject({ turns: { used: 1 }, tokens: { used: aCall } });
  });

  test("an unavailable hub is 503 without a call, and a fallback can answer", async () => {
    const down = vi.spyOn(console, "warn").mockReturnValue();
    await eventsWith({ getByName: () => ({ takeBudget: () => Promise.reject(new Error("The hub is out.")) }) });
    expect(toAppError(await thrownBy(callModel()), {})).toMatchObject({ code: "allowance_unavailable", status: 503 });
    expect(ai.runs).toEqual([]);
    const own = languageCandidate(`workers-ai/${llama}`, providerSettings(ctx, person.id));
    await gatewayModel([own, languageCandidate("builtin/extractive")]).doGenerate(question);
    down.mockRestore();
  });

  test("a lost settlement leaves the reserved maximum", async () => {
    const { USER_HUB } = await api.worker.getEnv();
    await eventsWith({
      getByName: (name: string) => ({
        takeBudget: (claim: never) => USER_HUB.getByName(name).takeBudget(claim),
        settleBudget: () => Promise.reject(new Error("The hub is out.")),
      }),
    });
    await callModel();
    const { turns: shown, tokens: counted } = await allowance();
    expect(shown.used).toBe(1);
    expect(counted.used).toBeGreaterThanOrEqual(16);
  });

  test("a call above the smallest allowance fails if Postgres is down", async () => {
    await spend({ turns, tokens: 0 });
    await bridge.close();
    expect(toAppError(await thrownBy(callModel()), {})).toMatchObject({ code: "allowance_unavailable" });
    bridge = await startNeonBridge({ databaseUrl: api.database.url });
  });
});
