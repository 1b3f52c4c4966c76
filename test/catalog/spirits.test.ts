import { describe, expect, test } from "vitest";
import { Bundle, Plan, Spirit, Tool } from "../../src/catalog/schemas.ts";
import { bodyOf, useApi } from "../support/api.ts";

const api = useApi();

type Reply = { status: number; body: Awaited<ReturnType<typeof bodyOf>> };

async function get(path: string): Promise<Reply> {
  const reply = await api.get(path);
  return { status: reply.status, body: await bodyOf(reply) };
}

async function post(path: string, body: unknown): Promise<Reply> {
  const reply = await api.post(path, body);
  return { status: reply.status, body: await bodyOf(reply) };
}

const names = (body: Reply["body"]) => (body["data"] as { name: string }[]).map(({ name }) => name);

const contract = {
  spirit:
    "id name category description icon unlock_rank unlock_level max_spirit_level tools synergies conflicts price_usd price_points is_premium free_with_subscription tier",
  bundle:
    "id name description spirits original_price_usd bundle_price_usd savings_usd savings_percentage points_cost category icon is_popular",
  plan: "id name price_usd billing_cycle free_spirits discount_on_purchases exclusive_spirits max_minions max_spirits_per_minion features",
  tool: "id name category description",
};

function expectKeys(thing: object, keys: string): void {
  expect(Object.keys(thing)).toEqual(expect.arrayContaining(keys.split(" ")));
}

describe.each(["/api/v2/spirits", "/api/spirits"])("the routes of the contract at %s", (base) => {
  test("[29] lists every spirit with all keys", async () => {
    const { status, body } = await get(base);
    expect(status).toBe(200);
    expect(body).toMatchObject({ success: true, total: 18 });
    expect(body["data"]).toHaveLength(18);
    for (const spirit of body["data"]) expectKeys(spirit, contract.spirit);
    expect((await get(`${base}/`)).body).toEqual(body);
  });

  test("[30] lists the spirits of the free tier", async () => {
    const { body } = await get(`${base}/free`);
    expect(names(body)).toEqual(["Writer Spirit", "Analyst Spirit", "Builder Spirit", "Connector Spirit", "Checker Spirit"]);
    expect(body["total"]).toBe(5);
  });

  test("[31] lists the spirits of a tier and refuses an unknown tier", async () => {
    const { body } = await get(`${base}/tier/premium`);
    expect(body).toMatchObject({ success: true, tier: "premium", total: 2 });
    expect(names(body)).toEqual(["Consultant Spirit", "Healer Spirit"]);
    const refused = await get(`${base}/tier/legendary`);
    expect(refused).toMatchObject({ status: 422, body: { success: false, errors: [{ path: "tier", in: "path" }] } });
  });

  test("[32] returns a spirit by its ID", async () => {
    expect(await get(`${base}/3`)).toEqual({ status: 200, body: { success: true, data: Spirit.meta()!["examples"]![0] } });
    expect(await get(`${base}/99`)).toMatchObject({
      status: 404,
      body: { code: "not_found", error: "Spirit 99 not found." },
    });
  });

  test.each(["Writer%20Spirit", "writer", "WRITER", "writer%20spirit"])(
    "[33] returns a spirit by its name: %s",
    async (name) => {
      expect((await get(`${base}/name/${name}`)).body["data"]).toMatchObject({ id: 1, name: "Writer Spirit" });
    },
  );

  test("[33] is not found for an unknown name", async () => {
    expect((await get(`${base}/name/writ`)).status).toBe(404);
  });

  test("[34] lists what a rank and level unlock", async () => {
    const novice = await get(`${base}/available?rank=Novice&level=1`);
    expect(novice.body).toMatchObject({ user_rank: "Novice", user_level: 1, total: 5 });
    expect((await get(`${base}/available`)).body).toEqual(novice.body);
    expect(names((await get(`${base}/available?rank=Novice&level=3`)).body)).toEqual(
      expect.arrayContaining(["Creative Spirit", "Researcher Spirit"]),
    );
    expect((await get(`${base}/available?rank=Skilled&level=9`)).body).toMatchObject({ user_level: 5, total: 12 });
    expect((await get(`${base}/available?rank=Master&level=2`)).body["total"]).toBe(18);
    expect((await get(`${base}/available?rank=King`)).status).toBe(422);
    expect((await get(`${base}/available?level=0`)).status).toBe(422);
  });

  test("[35] computes synergy in any order and counts duplicates once", async () => {
    const expected = {
      success: true,
      data: {
        synergy_bonus: 15,
        conflict_penalty: 5,
        net_performance: 10,
        synergies: [{ spirits: ["Builder Spirit", "Designer Spirit"], bonus: 15 }],
        conflicts: [{ spirits: ["Builder Spirit", "Designer Spirit"], penalty: 5 }],
      },
    };
    expect((await post(`${base}/synergy`, { spirit_ids: [7, 16] })).body).toEqual(expected);
    expect((await post(`${base}/synergy`, { spirit_ids: [16, 7, 16] })).body).toEqual(expected);
    expect((await get(`${base}/synergy?spirit_ids=16,7`)).body).toEqual(expected);
  });

  test("[35] names every unknown spirit ID", async () => {
    const { status, body } = await post(`${base}/synergy`, { spirit_ids: [1, 98, 99] });
    expect(status).toBe(422);
    expect(body["errors"]).toEqual([
      { path: "spirit_ids.1", in: "body", message: "spirit 98 does not exist" },
      { path: "spirit_ids.2", in: "body", message: "spirit 99 does not exist" },
    ]);
    expect((await get(`${base}/synergy?spirit_ids=1,x`)).status).toBe(422);
  });

  test("[36] lists the bundles with the savings on their parts", async () => {
    const { body } = await get(`${base}/bundles`);
    expect(body["total"]).toBe(7);
    for (const bundle of body["data"]) expectKeys(bundle, contract.bundle);
    expect(body["data"][2]).toEqual(Bundle.meta()!["examples"]![0]);
    expect(Math.max(...body["data"].map((bundle: { savings_percentage: number }) => bundle.savings_percentage))).toBe(44);
  });

  test("[37] lists the plans with their exclusive spirits", async () => {
    const { body } = await get(`${base}/subscription-plans`);
    expect(body["total"]).toBe(4);
    for (const plan of body["data"]) expectKeys(plan, contract.plan);
    expect(body["data"][0]).toEqual(Plan.meta()!["examples"]![0]);
    expect(body["data"][1]["exclusive_spirits"]).toEqual(["Creative Spirit", "Communicator Spirit"]);
    expect(body["data"][2]["exclusive_spirits"]).toEqual(["Researcher Spirit", "Debugger Spirit", "Security Spirit"]);
  });

  test("[39] lists the tools of a spirit in order", async () => {
    const { body } = await get(`${base}/13/tools`);
    expect(body).toMatchObject({ success: true, spirit_id: 13, total: 4 });
    for (const tool of body["data"]) expectKeys(tool, contract.tool);
    expect(names(body)).toEqual(["grammar_checker", "test_runner", "consistency_checker", "report_generator"]);
    expect(body["data"][0]).toEqual(Tool.meta()!["examples"]![0]);
    expect((await get(`${base}/99/tools`)).status).toBe(404);
  });

  test("[40] reports that the catalog is available", async () => {
    const { body } = await get(`${base}/health`);
    expect(body).toEqual({ success: true, message: expect.any(String), spirits_count: 18, status: "operational" });
  });
});

describe("spirits", () => {
  test("spirits from the professional tier up are premium, and those of the cheapest paid plan are free with a subscription", async () => {
    const { body } = await get("/api/v2/spirits");
    for (const spirit of body["data"]) {
      expect(spirit.is_premium).toBe(["professional", "premium"].includes(spirit.tier));
    }
    const free = body["data"].filter((spirit: { free_with_subscription: boolean }) => spirit.free_with_subscription);
    expect(free.map(({ slug }: { slug: string }) => slug)).toEqual([
      "writer",
      "creative",
      "analyst",
      "builder",
      "connector",
      "communicator",
      "checker",
    ]);
  });

  test("both spirits of a pair report the same synergy", async () => {
    const { body } = await get("/api/v2/spirits");
    const byName = new Map<string, (typeof body)["data"][number]>(
      body["data"].map((spirit: { name: string }) => [spirit.name, spirit]),
    );
    for (const [name, spirit] of byName) {
      for (const [partner, percent] of Object.entries(spirit.synergies))
        expect(byName.get(partner).synergies[name]).toBe(percent);
      for (const [partner, percent] of Object.entries(spirit.conflicts))
        expect(byName.get(partner).conflicts[name]).toBe(percent);
    }
  });

  test("spirits can be filtered by category, tier and text together", async () => {
    const url = (query: Record<string, string>) => `/api/v2/spirits?${new URLSearchParams(query).toString()}`;
    expect(names((await get(url({ category: "Data & Analysis" }))).body)).toEqual([
      "Analyst Spirit",
      "Researcher Spirit",
      "Mathematician Spirit",
    ]);
    expect(names((await get(url({ category: "Data & Analysis", tier: "basic" }))).body)).toEqual(["Researcher Spirit"]);
    expect(names((await get(url({ q: "MAIL" }))).body)).toEqual(["Communicator Spirit"]);
    expect(await get(url({ q: "no such words" }))).toMatchObject({ status: 200, body: { data: [], total: 0 } });
  });

  test("an unknown category is refused with the list of categories", async () => {
    const { status, body } = await get("/api/v2/spirits?category=Nonsense");
    expect(status).toBe(422);
    expect(body["errors"]).toEqual([{ path: "category", in: "query", message: expect.stringContaining("Data & Analysis") }]);
  });
});
