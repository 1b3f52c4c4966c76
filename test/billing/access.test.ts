import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { grantAccess, listAccess } from "../../src/billing/access.ts";
import { GrantBody } from "../../src/billing/schemas.ts";
import { currentPlan } from "../../src/billing/service.ts";
import { constraintErrors } from "../../src/errors.ts";
import { databaseFailure } from "../../src/kit/db/errors.ts";
import { inDays, newUser, openBilling, person, subscribe, system, type Billing } from "./support/billing.ts";

let billing: Billing;
let user: number;

beforeAll(async () => {
  billing = await openBilling();
});
beforeEach(async () => {
  user = await newUser(billing.database);
});
afterAll(() => billing.close());

const freeSpirits = [1, 4, 7, 10, 13];
const retired = "update spirits_registry set is_active = $2 where id = $1";

const access = (id = user) => listAccess(billing.as(system), id);

/** Each right as `spirit type source`. */
async function rights(id = user): Promise<string[]> {
  return (await access(id)).map(({ spirit_id, access_type, source }) => `${spirit_id} ${access_type} ${source}`);
}

/** The rights beyond the free tier. */
const beyondFree = async () => (await rights()).filter((right) => !right.endsWith(" free_tier"));

async function spiritsOf(plan: number): Promise<number[]> {
  const rows = await billing.database.sql("select spirit_id from plan_spirits where plan_id = $1 order by 1", [plan]);
  return rows.map((row) => row["spirit_id"] as number);
}

/** What a subscription to the plan adds to the free tier. */
async function rightsByPlan(plan: number): Promise<string[]> {
  return (await spiritsOf(plan)).filter((id) => !freeSpirits.includes(id)).map((id) => `${id} subscription plan`);
}

async function grant(columns: Record<string, unknown>): Promise<void> {
  const row: Record<string, unknown> = { user_id: user, spirit_id: 2, source: "purchase", reference: "1", ...columns };
  const places = Object.keys(row).map((_, index) => `$${index + 1}`);
  await billing.database.sql(
    `insert into user_spirit_access (${Object.keys(row).join(", ")}) values (${places.join(", ")})`,
    Object.values(row),
  );
}

describe("a user without a subscription", () => {
  test("the user has the free tier permanently since registration", async () => {
    expect(await rights()).toEqual(freeSpirits.map((id) => `${id} free free_tier`));
    const [{ created_at }] = (await billing.database.sql("select created_at from users where id = $1", [user])) as [
      { created_at: Date },
    ];
    expect((await access())[0]).toEqual({
      spirit_id: 1,
      access_type: "free",
      source: "free_tier",
      granted_at: created_at,
      expires_at: null,
    });
  });

  test("the user has the spirits of the Free Plan, and not while subscribed", async () => {
    await billing.database.sql("insert into plan_spirits values (1, 3, 6)");
    try {
      expect(await beyondFree()).toEqual(["3 free free_plan"]);
      await subscribe(billing.database, user);
      expect(await beyondFree()).toEqual(await rightsByPlan(2));
    } finally {
      await billing.database.sql("delete from plan_spirits where plan_id = 1 and spirit_id = 3");
    }
  });
});

describe("a subscription", () => {
  test.each(["trialing", "active", "past_due"])(
    "a subscription that is %s gives its plan and its spirits until it ends",
    async (status) => {
      await subscribe(billing.database, user, { plan: 3, status });
      expect(await beyondFree()).toEqual(await rightsByPlan(3));
      const plan = await currentPlan(billing.as(system), user);
      expect(plan).toMatchObject({ plan_id: 3, discount_percent: 35, max_minions: 10, max_spirits_per_minion: 5 });
      expect(plan.until?.getTime()).toBeGreaterThan(Date.now());
      const bought = (await access()).find(({ source }) => source === "plan");
      expect(bought?.expires_at).toEqual(plan.until);
    },
  );

  test("a canceled subscription runs to the end of its period", async () => {
    await subscribe(billing.database, user, { cancelling: true });
    expect(await beyondFree()).toEqual(await rightsByPlan(2));
  });

  test.each([
    ["was cancelled", { status: "cancelled" }],
    ["was never paid for", { status: "incomplete" }],
    ["ended", { days: -1 }],
  ])("a subscription that %s gives nothing, and the Free Plan applies", async (_, subscription) => {
    await subscribe(billing.database, user, { plan: 4, ...subscription });
    expect(await beyondFree()).toEqual([]);
    expect(await currentPlan(billing.as(system), user)).toMatchObject({ plan_id: 1 });
  });

  test("a retired plan stays valid for its subscribers", async () => {
    await subscribe(billing.database, user, { plan: 2 });
    await billing.database.sql("update subscription_plans set is_active = false where id = 2");
    try {
      expect(await beyondFree()).toEqual(await rightsByPlan(2));
    } finally {
      await billing.database.sql("update subscription_plans set is_active = true where id = 2");
    }
  });

  test("a subscription gives nothing to other users", async () => {
    await subscribe(billing.database, user);
    const other = await newUser(billing.database);
    expect(await rights(other)).toEqual(freeSpirits.map((id) => `${id} free free_tier`));
  });
});

describe("a grant", () => {
  test("a grant without an expiry, or before it, gives its spirit", async () => {
    await grant({ spirit_id: 2 });
    await grant({ spirit_id: 3, source: "trial", expires_at: inDays(1) });
    expect(await beyondFree()).toEqual(["2 grant purchase", "3 grant trial"]);
  });

  test("an expired or revoked grant gives nothing", async () => {
    await grant({ spirit_id: 2, granted_at: inDays(-2), expires_at: inDays(-1) });
    await grant({ spirit_id: 3, granted_at: inDays(-2), revoked_at: inDays(-1) });
    expect(await beyondFree()).toEqual([]);
  });

  test("revoking one grant keeps other grants of the same spirit", async () => {
    await subscribe(billing.database, user);
    await grant({ source: "purchase" });
    await grant({ source: "purchase", reference: "2" });
    await grant({ source: "trial", expires_at: inDays(1) });
    const creative = async () => (await rights()).filter((right) => right.startsWith("2 ")).toSorted();
    expect(await creative()).toEqual(["2 grant purchase", "2 grant purchase", "2 grant trial", "2 subscription plan"]);
    const revoke = "update user_spirit_access set revoked_at = now() where user_id = $1 and source = $2";
    await billing.database.sql(revoke, [user, "purchase"]);
    expect(await creative()).toEqual(["2 grant trial", "2 subscription plan"]);
    await billing.database.sql("update user_spirit_subscriptions set status = 'cancelled' where user_id = $1", [user]);
    expect(await creative()).toEqual(["2 grant trial"]);
  });
});

test("a retired spirit is accessible to nobody", async () => {
  await subscribe(billing.database, user, { plan: 4 });
  await grant({ spirit_id: 2 });
  for (const id of [1, 2]) await billing.database.sql(retired, [id, false]);
  try {
    expect((await access()).filter(({ spirit_id }) => spirit_id <= 2)).toEqual([]);
  } finally {
    for (const id of [1, 2]) await billing.database.sql(retired, [id, true]);
  }
});

test("the access of one user is read without reading all users", async () => {
  await billing.database.sql(
    "insert into users (email, name) select 'crowd-' || n || '@example.com', 'Crowd' from generate_series(1, 3000) n",
  );
  await billing.database.sql(
    "insert into user_spirit_access (user_id, spirit_id, source, reference) select id, 2, 'admin', 'crowd' from users where name = 'Crowd'",
  );
  await billing.database.sql("analyze");
  const plan = await billing.database.sql(`explain select * from spirit_access where user_id = ${user}`);
  const text = plan.map((row) => row["QUERY PLAN"]).join("\n");
  expect(text).not.toMatch(/Seq Scan on (users|user_spirit_access)/);
});

describe("who may read access", () => {
  const seen = (actor: Parameters<Billing["as"]>[0], id = user) => listAccess(billing.as(actor), id);

  test("the owner, an administrator and the system read it in one round trip each", async () => {
    const before = billing.roundTrips();
    for (const actor of [person(user), person(user + 1, "admin.read"), system]) expect(await seen(actor)).toHaveLength(5);
    expect(billing.roundTrips() - before).toBe(3);
  });

  test("others may not read it and cannot learn whether the user exists", async () => {
    const refusals = await Promise.all(
      [
        seen(person(user + 1, "billing.read")),
        seen({ kind: "anonymous" }),
        seen(person(user, "admin.read"), 2_000_000_000),
        seen(person(user), 2_000_000_000),
      ].map((result) => result.then(String, (error: { code: string; message: string }) => `${error.code}: ${error.message}`)),
    );
    expect(new Set(refusals)).toEqual(new Set(["not_found: User not found."]));
  });
});

describe("a grant by an administrator", () => {
  const admin = () => billing.as(person(user, "admin.write"));
  const give = (body: object, id = user) => grantAccess(admin(), id, GrantBody.parse({ reason: "Prize", ...body }));
  const audited = () =>
    billing.database.sql("select * from audit_log where action = 'access.granted' and subject_user_id = $1", [user]);
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => databaseFailure(error, constraintErrors),
    );

  test("a grant of a spirit is stored and audited in one round trip", async () => {
    const before = billing.roundTrips();
    const expires_at = inDays(3);
    const grants = await give({ spirit_id: 18, expires_at });
    expect(billing.roundTrips() - before).toBe(1);
    expect(grants).toEqual([
      {
        spirit_id: 18,
        source: "admin",
        reference: "spirit:18",
        granted_at: expect.any(Date),
        expires_at: new Date(expires_at),
      },
    ]);
    expect(await beyondFree()).toEqual(["18 grant admin"]);
    expect(await audited()).toMatchObject([
      { actor_user_id: user, details: { given: "spirit:18", expires_at, reason: "Prize" }, request_id: "request-1" },
    ]);
  });

  test("a grant of a plan creates one grant per spirit", async () => {
    const grants = await give({ plan_id: 3 });
    expect(grants.map(({ spirit_id }) => spirit_id)).toEqual(await spiritsOf(3));
    expect(new Set(grants.map(({ reference }) => reference))).toEqual(new Set(["plan:3"]));
    expect(await audited()).toHaveLength(1);
    expect(await currentPlan(admin(), user)).toMatchObject({ plan_id: 1 });
  });

  test("a repeated grant replaces the expiry and restores a revoked grant", async () => {
    await give({ spirit_id: 2, expires_at: inDays(1) });
    await billing.database.sql("update user_spirit_access set revoked_at = now() where user_id = $1", [user]);
    await give({ spirit_id: 2 });
    expect(
      await billing.database.sql("select expires_at, revoked_at from user_spirit_access where user_id = $1", [user]),
    ).toEqual([{ expires_at: null, revoked_at: null }]);
    expect(await audited()).toHaveLength(2);
  });

  test.each([
    ["an unknown spirit", { spirit_id: 999 }, "validation_failed", "spirit_id: must be the ID of an active spirit."],
    ["an unknown plan", { plan_id: 99 }, "validation_failed", "plan_id: must be the ID of an active plan."],
  ])("a grant of %s is refused and stores nothing", async (_, body, code, message) => {
    expect(await failure(give(body))).toMatchObject({ code, message });
    expect(await audited()).toEqual([]);
  });

  test("a grant of a retired spirit or plan is refused", async () => {
    await billing.database.sql(retired, [18, false]);
    await billing.database.sql("update subscription_plans set is_active = false where id = 4");
    try {
      expect(await failure(give({ spirit_id: 18 }))).toMatchObject({ code: "validation_failed" });
      expect(await failure(give({ plan_id: 4 }))).toMatchObject({ code: "validation_failed" });
    } finally {
      await billing.database.sql(retired, [18, true]);
      await billing.database.sql("update subscription_plans set is_active = true where id = 4");
    }
  });

  test("a grant to an unknown user is not found", async () => {
    expect(await failure(give({ spirit_id: 2 }, 2_000_000_000))).toMatchObject({ code: "not_found" });
  });

  test("the database refuses a grant that expires before it starts", async () => {
    const input = { spirit_id: 2, reason: "Prize", expires_at: new Date(Date.now() - 1000) };
    expect(await failure(grantAccess(admin(), user, input))).toMatchObject({ code: "validation_failed" });
  });

  test.each([
    [{}],
    [{ spirit_id: 1, plan_id: 1 }],
    [{ spirit_id: 1, reason: " " }],
    [{ spirit_id: 1, expires_at: inDays(-1) }],
    [{ spirit_id: 1, expires_at: "tomorrow" }],
    [{ spirit_id: "1" }],
    [{ spirit_id: 2 ** 31 }],
  ])("a grant with %j is refused", (body) => {
    expect(GrantBody.safeParse({ reason: "Prize", ...body }).success).toBe(false);
  });
});
