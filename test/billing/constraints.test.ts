import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestDatabase, type TestDatabase } from "../support/api.ts";
import { newUser } from "./support/billing.ts";

let database: TestDatabase;
let user: number;

beforeAll(async () => {
  database = await openTestDatabase();
  user = await newUser(database);
  await insert("user_spirit_purchases", { ...purchase, user_id: user, external_reference: "'pi_taken'" });
  await insert("user_spirit_subscriptions", { ...subscription, user_id: user, external_reference: "'sub_taken'" });
  await insert("points_transactions", { ...movement, user_id: user, reference: "'taken'" });
  await insert("user_points", { user_id: user, total_points: 50 });
  await insert("user_spirit_access", { ...grant, user_id: user, reference: "'taken'" });
});

afterAll(() => database.close());

/** Rows as SQL expressions, each of them right. */
const purchase = { spirit_id: 2, currency: "'usd'", amount: 499, external_reference: "'pi_1'" };
const subscription = {
  plan_id: 2,
  status: "'active'",
  current_period_start: "now()",
  current_period_end: "now() + interval '1 month'",
  external_reference: "'sub_1'",
};
const movement = { kind: "'bonus'", points: 50, reason: "'Test'", reference: "'test'" };
const grant = { spirit_id: 2, source: "'admin'", reference: "'spirit:2'" };

function insert(table: string, row: Record<string, string | number | null>) {
  const values = Object.values(row).map((value) => value ?? "null");
  return database.sql(`insert into ${table} (${Object.keys(row).join(", ")}) values (${values.join(", ")})`);
}

describe("constraints of the database", () => {
  test.each([
    ["purchase_is_of_one_thing", { bundle_id: 1 }],
    ["purchase_is_of_one_thing", { spirit_id: null }],
    ["purchased_pack_holds_points", { spirit_id: null, pack_points: 0 }],
    ["points_do_not_buy_points", { spirit_id: null, pack_points: 100, currency: "'points'" }],
    ["purchase_currency_known", { currency: "'eur'" }],
    ["purchase_amount_not_negative", { amount: -1 }],
    ["purchase_status_known", { status: "'lost'" }],
    ["purchase_in_dollars_has_reference", { status: "'paid'", paid_at: "now()", external_reference: null }],
    ["purchase_paid_at_some_time", { status: "'paid'" }],
    ["purchase_paid_at_some_time", { paid_at: "now()" }],
    ["purchase_refunded_at_some_time", { status: "'refunded'", paid_at: "now()" }],
    ["purchase_refunded_after_paid", { status: "'refunded'", paid_at: "now()", refunded_at: "now() - interval '1 second'" }],
    ["purchase_reference_taken", { external_reference: "'pi_taken'" }],
    ["user_spirit_purchases_spirit_id_spirits_registry_id_fk", { spirit_id: 999 }],
    ["user_spirit_purchases_bundle_id_spirit_bundles_id_fk", { spirit_id: null, bundle_id: 999 }],
    ["user_spirit_purchases_user_id_users_id_fk", { user_id: 0 }],
  ])("the purchase violates %s %j", async (constraint, fault) => {
    await expect(insert("user_spirit_purchases", { user_id: user, ...purchase, ...fault })).rejects.toMatchObject({
      constraint,
    });
  });

  test.each([
    ["subscription_one_live_per_user", {}],
    ["subscription_one_live_per_user", { status: "'past_due'" }],
    ["subscription_one_live_per_user", { status: "'trialing'" }],
    ["subscription_status_known", { status: "'paused'" }],
    ["subscription_period_ends_after_start", { status: "'cancelled'", current_period_end: "now()" }],
    ["subscription_reference_taken", { status: "'cancelled'", external_reference: "'sub_taken'" }],
    ["user_spirit_subscriptions_plan_id_subscription_plans_id_fk", { status: "'cancelled'", plan_id: 99 }],
    ["user_spirit_subscriptions_user_id_users_id_fk", { user_id: 0 }],
  ])("the subscription violates %s %j", async (constraint, fault) => {
    await expect(insert("user_spirit_subscriptions", { user_id: user, ...subscription, ...fault })).rejects.toMatchObject({
      constraint,
    });
  });

  test.each([
    ["points_kind_known", { kind: "'found'" }],
    ["points_agree_with_kind", { kind: "'bonus'", points: -1 }],
    ["points_agree_with_kind", { kind: "'earned'", points: 0 }],
    ["points_agree_with_kind", { kind: "'spent'", points: 1 }],
    ["points_agree_with_kind", { kind: "'refund'", points: 0 }],
    ["points_reference_given", { reference: "''" }],
    ["points_counted_once", { reference: "'taken'" }],
    ["points_transactions_user_id_users_id_fk", { user_id: 0 }],
  ])("the points transaction violates %s %j", async (constraint, fault) => {
    await expect(insert("points_transactions", { user_id: user, ...movement, ...fault })).rejects.toMatchObject({ constraint });
  });

  test.each([
    ["access_source_known", { source: "'luck'" }],
    ["access_reference_given", { reference: "''" }],
    ["access_expires_after_granted", { expires_at: "now()" }],
    ["access_revoked_after_granted", { revoked_at: "now() - interval '1 second'" }],
    ["access_granted_once", { reference: "'taken'" }],
    ["user_spirit_access_spirit_id_spirits_registry_id_fk", { spirit_id: 999 }],
    ["user_spirit_access_user_id_users_id_fk", { user_id: 0 }],
  ])("the grant violates %s %j", async (constraint, fault) => {
    await expect(insert("user_spirit_access", { user_id: user, ...grant, ...fault })).rejects.toMatchObject({ constraint });
  });

  test.each([
    ["points_not_negative", "update user_points set total_points = -1"],
    ["points_ledger_is_append_only", "update points_transactions set points = 51"],
    ["points_ledger_is_append_only", "delete from points_transactions"],
  ])("%s: %s is refused", async (constraint, statement) => {
    await expect(database.sql(statement)).rejects.toMatchObject({ constraint });
  });
});

describe("rows that the database accepts", () => {
  test("a user may subscribe again without a live subscription", async () => {
    const other = await newUser(database);
    const mine = { ...subscription, user_id: other };
    await insert("user_spirit_subscriptions", { ...mine, status: "'cancelled'", external_reference: "'again_1'" });
    await insert("user_spirit_subscriptions", { ...mine, status: "'incomplete'", external_reference: "'again_2'" });
    await insert("user_spirit_subscriptions", { ...mine, external_reference: "'again_3'" });
    const rows = await database.sql("select status from user_spirit_subscriptions where user_id = $1 order by id", [other]);
    expect(rows.map(({ status }) => status)).toEqual(["cancelled", "incomplete", "active"]);
  });

  test("one reference may be used once per user, and one spirit may have several grants", async () => {
    const other = await newUser(database);
    await insert("points_transactions", { ...movement, user_id: other, reference: "'taken'" });
    for (const source of ["'admin'", "'trial'"]) {
      await insert("user_spirit_access", { ...grant, user_id: other, source, reference: "'taken'" });
    }
    expect(await database.sql("select 1 from points_transactions where reference = 'taken'")).toHaveLength(2);
    expect(await database.sql("select 1 from user_spirit_access where reference = 'taken'")).toHaveLength(3);
  });

  test("deleting an account deletes its points and access and keeps its payments", async () => {
    const other = await newUser(database);
    await insert("user_spirit_purchases", { ...purchase, user_id: other, external_reference: "'pi_books'" });
    await insert("user_spirit_subscriptions", { ...subscription, user_id: other, external_reference: "'sub_gone'" });
    await insert("points_transactions", { ...movement, user_id: other });
    await insert("user_points", { user_id: other, total_points: 50 });
    await insert("user_spirit_access", { ...grant, user_id: other });
    await database.sql("delete from users where id = $1", [other]);
    for (const table of ["user_spirit_subscriptions", "points_transactions", "user_points", "user_spirit_access"]) {
      expect(await database.sql(`select 1 from ${table} where user_id = $1`, [other])).toEqual([]);
    }
    expect(
      await database.sql("select user_id, amount from user_spirit_purchases where external_reference = 'pi_books'"),
    ).toEqual([{ user_id: null, amount: 499 }]);
  });
});
