import { beforeEach, describe, expect, test } from "vitest";
import type { Ctx } from "../../../src/context.ts";
import { gatewayCandidates, selectModelCandidates } from "../../../src/minions/models/candidates.ts";
import { gatewayModel } from "../../../src/models/gateway/gateway.ts";
import type { UsageRecord } from "../../../src/models/gateway/usage-record.ts";
import { startNeonBridge, type NeonBridge } from "../../../dev/postgres/bridge/neon-bridge.ts";
import { badKey, goodKey, makeModel, useConnected } from "../../models/support/connected-provider.ts";
import { question } from "../../models/support/models.ts";
import { createTestContexts, testBindings } from "../../support/in-process-context.ts";
import { createUser, type Person } from "../../support/users.ts";
import { scriptedText } from "../../support/vendors/script.ts";
import {
  clientOf,
  databaseTrips,
  faultsIn,
  makeMinion,
  newMinion,
  refusalIn,
  type Client,
  type WireMinion,
} from "../support/minions.ts";

const connected = useConnected("custom");
const builtin = "builtin/extractive";
let person: Person;
let me: Client;

beforeEach(async () => {
  person = await createUser(connected.api);
  me = clientOf(connected.api, person);
});

const modelAt = async (given: object = {}, owner = me) => (await makeModel(owner, given)).id;
const called = (api_key = goodKey) => modelAt({ base_url: connected.vendor.baseUrl, api_key });
const fallbacksOf = async ({ id }: Pick<WireMinion, "id">) =>
  (await me.get(`/minions/${id}`)).body.minion.fallback_models as string[];

describe("the fallback models of a minion", () => {
  test("there are none by default", async () => {
    expect((await makeMinion(me)).fallback_models).toEqual([]);
  });

  test("they keep their order and are replaced as a whole in one round trip", async () => {
    const [first, second] = [await modelAt(), await modelAt()];
    const named = newMinion({ model: second, fallback_models: [builtin, first] });
    const made = await me.post("/minions", named);
    expect([made.status, databaseTrips(made)]).toEqual([201, 1]);
    const minion = made.body.minion as WireMinion;
    expect(minion).toMatchObject({ model: String(second), fallback_models: [builtin, String(first)], version: 1 });
    const edit = await me.patch(`/minions/${minion.id}`, { fallback_models: [first, builtin] });
    expect(databaseTrips(edit)).toBe(1);
    expect(edit.body.minion).toMatchObject({ fallback_models: [String(first), builtin], version: 2 });
    await me.patch(`/minions/${minion.id}`, { description: "as before" });
    expect(await fallbacksOf(minion)).toEqual([String(first), builtin]);
    expect((await me.get("/minions")).body.minions[0].fallback_models).toEqual([String(first), builtin]);
    await me.patch(`/minions/${minion.id}`, { fallback_models: [] });
    expect(await fallbacksOf(minion)).toEqual([]);
  });

  test.each([
    ["fallback_models", [builtin, builtin]],
    ["fallback_models", Array.from({ length: 4 }, (_, index) => index + 1)],
    ["fallback_models", 7],
    ["fallback_models.0", ["builtin/unknown"]],
    ["fallback_models.1", [1, "builtin/hashing-384"]],
    ["fallback_models.0", [""]],
    ["fallback_models", ["2147483647"]],
  ])("invalid fallback models are refused at %s: %j", async (path, fallback_models) => {
    const model = await modelAt();
    const minion = await makeMinion(me, { model });
    for (const refused of [
      await me.post("/minions", newMinion({ model, fallback_models })),
      await me.patch(`/minions/${minion.id}`, { fallback_models }),
    ]) {
      expect([refused.status, faultsIn(refused)]).toEqual([422, [path]]);
    }
    expect((await me.get(`/minions/${minion.id}`)).body.minion).toMatchObject({ fallback_models: [], version: 1 });
  });

  test.each(["foreign", "embedding", "inactive", "deleted"])(
    "an external fallback model that is %s is refused",
    async (what) => {
      const owner = what === "foreign" ? clientOf(connected.api, await createUser(connected.api)) : me;
      const given = { embedding: { model_id: "my-embedder" }, inactive: { is_active: false } }[what] ?? {};
      const id = await modelAt(given, owner);
      if (what === "deleted") await me.delete(`/external-models/${id}`);
      const refused = await me.post("/minions", newMinion({ fallback_models: [id] }));
      expect([refused.status, faultsIn(refused)]).toEqual([422, ["fallback_models"]]);
      expect((await me.get("/minions")).body.total).toBe(0);
    },
  );

  test("the minion's own model cannot be a fallback, whichever of the two is changed", async () => {
    const id = await modelAt();
    const itself = await me.post("/minions", newMinion({ model: builtin, fallback_models: [id, builtin] }));
    expect([itself.status, faultsIn(itself)]).toEqual([422, ["fallback_models"]]);
    const minion = await makeMinion(me, { fallback_models: [id] });
    const moved = await me.patch(`/minions/${minion.id}`, { model: id });
    expect([moved.status, faultsIn(moved)]).toEqual([422, ["model"]]);
    const named = await me.patch(`/minions/${minion.id}`, { fallback_models: [builtin] });
    expect([named.status, faultsIn(named)]).toEqual([422, ["fallback_models"]]);
    expect((await me.get(`/minions/${minion.id}`)).body.minion).toMatchObject({
      model: builtin,
      fallback_models: [String(id)],
    });
    const swapped = await me.patch(`/minions/${minion.id}`, { model: id, fallback_models: [builtin] });
    expect(swapped.body.minion).toMatchObject({ model: String(id), fallback_models: [builtin] });
  });

  test("a fallback model cannot be deleted, also with a trashed minion", async () => {
    const id = await modelAt();
    const minion = await makeMinion(me, { fallback_models: [id] });
    expect(refusalIn(await me.delete(`/external-models/${id}`))).toEqual([409, "conflict"]);
    await me.delete(`/minions/${minion.id}`);
    expect(refusalIn(await me.delete(`/external-models/${id}`))).toEqual([409, "conflict"]);
    await me.post(`/minions/${minion.id}/restore`);
    await me.patch(`/minions/${minion.id}`, { fallback_models: [] });
    expect((await me.delete(`/external-models/${id}`)).status).toBe(200);
  });

  test("the database itself refuses another user's model or minion", async () => {
    const other = clientOf(connected.api, await createUser(connected.api));
    const [mine, theirs] = [await makeMinion(me), await makeMinion(other)];
    const insert = (minionId: number, modelId: number) =>
      connected.api.database.sql(
        "insert into minion_fallbacks (minion_id, position, user_id, model, external_model_id) values ($1, 1, $2, 'x', $3)",
        [minionId, person.id, modelId],
      );
    await expect(insert(mine.id, await modelAt({}, other))).rejects.toThrow("minion_fallback_owned");
    await expect(insert(theirs.id, await modelAt())).rejects.toThrow("minion_fallback_of_its_owner");
  });
});

describe("the candidate models of a minion", () => {
  let bridge: NeonBridge;
  let ctx: Ctx;

  beforeEach(async () => {
    bridge = await startNeonBridge({ databaseUrl: connected.api.database.url });
    const { host } = new URL(connected.vendor.baseUrl);
    ctx = createTestContexts(testBindings(bridge.url, { EGRESS_ALLOWED_HOSTS: host })).context("test");
    connected.vendor.failNext();
    return () => bridge.close();
  });

  const rowsOf = (minion: WireMinion) => selectModelCandidates(ctx, person.id, minion.id);

  async function callMinion(minion: WireMinion) {
    const records: UsageRecord[] = [];
    const candidates = gatewayCandidates(ctx, person.id, await rowsOf(minion));
    const options = { pauseMs: 1, onUsage: (record: UsageRecord) => void records.push(record) };
    const { content } = await gatewayModel(candidates, options).doGenerate(question);
    const text = content.map((part) => (part.type === "text" ? part.text : "")).join("");
    return { text, outcomes: records[0]!.attempts.map(({ provider, outcome }) => `${provider} ${outcome}`) };
  }

  test("the minion's own model comes first with its key, then the fallbacks in order", async () => {
    const own = await called();
    const minion = await makeMinion(me, { model: own, fallback_models: [builtin, await called(badKey)] });
    const before = bridge.roundTrips();
    expect(gatewayCandidates(ctx, person.id, await rowsOf(minion))).toMatchObject([
      { provider: { name: "custom" }, modelId: "my-model", row: { id: own, key_ref: expect.any(String) } },
      { provider: { name: "builtin" }, modelId: "extractive", row: undefined },
      { provider: { name: "custom" }, modelId: "my-model" },
    ]);
    expect(bridge.roundTrips()).toBe(before + 1);
    expect(await callMinion(minion)).toEqual({ text: scriptedText, outcomes: ["custom answered"] });
  });

  test("the next candidate answers if one is down, inactive or has an unreadable key", async () => {
    const minion = await makeMinion(me, { model: await called(), fallback_models: [await called(), builtin] });
    connected.vendor.failNext({ status: 503 }, { status: 503 });
    expect((await callMinion(minion)).outcomes).toEqual(["custom unavailable", "custom unavailable", "builtin answered"]);
    const off = "update external_models set is_active = false where user_id = $1";
    await connected.api.database.sql(off, [person.id]);
    expect((await callMinion(minion)).outcomes).toEqual(["custom not_configured", "custom not_configured", "builtin answered"]);
    await connected.api.database.sql("update external_models set is_active = true where user_id = $1", [person.id]);
    await connected.api.database.sql("delete from user_data_keys where user_id = $1", [person.id]);
    expect((await callMinion(minion)).outcomes).toEqual(["custom not_configured", "custom not_configured", "builtin answered"]);
  });

  test("another user's minion has no candidates", async () => {
    const theirs = await makeMinion(clientOf(connected.api, await createUser(connected.api)));
    const rows = await rowsOf(theirs);
    expect(() => gatewayCandidates(ctx, person.id, rows)).toThrow("Minion not found.");
  });
});
