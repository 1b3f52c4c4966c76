import { sql } from "drizzle-orm";
import { boolean, check, index, integer, pgTable, pgView, primaryKey, text, unique, uniqueIndex } from "drizzle-orm/pg-core";
import { users } from "../auth/tables.ts";
import { bundles, plans, planSpirits, spirits } from "../catalog/tables.ts";
import { inList, timestamptz, identityId, createdUpdatedAt } from "../kit/db/columns.ts";
import {
  accessSources,
  accessTypes,
  currencies,
  grantSources,
  liveStatuses,
  pointKinds,
  purchaseStatuses,
  subscriptionStatuses,
} from "./constants.ts";

const owner = () => integer().references(() => users.id, { onDelete: "cascade" });

/** Purchases of a spirit, a bundle or a points pack. The rows stay after the buyer's account is deleted, without the user ID. */
export const purchases = pgTable(
  "user_spirit_purchases",
  {
    id: identityId(),
    user_id: integer().references(() => users.id, { onDelete: "set null" }),
    spirit_id: integer().references(() => spirits.id),
    bundle_id: integer().references(() => bundles.id),
    /** The points of a purchased points pack. */
    pack_points: integer(),
    currency: text({ enum: currencies }).notNull(),
    /** The price in cents or points. */
    amount: integer().notNull(),
    status: text({ enum: purchaseStatuses }).notNull().default("pending"),
    /** The payment ID at the provider. Null for purchases with points. */
    external_reference: text(),
    paid_at: timestamptz(),
    refunded_at: timestamptz(),
    ...createdUpdatedAt,
  },
  (t) => [
    unique("purchase_reference_taken").on(t.external_reference),
    index("purchases_of_user").on(t.user_id, t.id),
    check("purchase_is_of_one_thing", sql`num_nonnulls(${t.spirit_id}, ${t.bundle_id}, ${t.pack_points}) = 1`),
    check("purchased_pack_holds_points", sql`${t.pack_points} > 0`),
    check("points_do_not_buy_points", sql`${t.pack_points} is null or ${t.currency} = 'usd'`),
    check("purchase_currency_known", inList(t.currency, currencies)),
    check("purchase_amount_not_negative", sql`${t.amount} >= 0`),
    check("purchase_status_known", inList(t.status, purchaseStatuses)),
    check(
      "purchase_in_dollars_has_reference",
      sql`${t.currency} = 'points' or ${t.external_reference} is not null or ${t.status} in ('pending', 'failed')`,
    ),
    check("purchase_paid_at_some_time", sql`(${t.status} in ('paid', 'refunded')) = (${t.paid_at} is not null)`),
    check("purchase_refunded_at_some_time", sql`(${t.status} = 'refunded') = (${t.refunded_at} is not null)`),
    check("purchase_refunded_after_paid", sql`${t.refunded_at} >= ${t.paid_at}`),
  ],
);

export const subscriptions = pgTable(
  "user_spirit_subscriptions",
  {
    id: identityId(),
    user_id: owner().notNull(),
    plan_id: integer()
      .notNull()
      .references(() => plans.id),
    status: text({ enum: subscriptionStatuses }).notNull(),
    current_period_start: timestamptz().notNull(),
    current_period_end: timestamptz().notNull(),
    cancel_at_period_end: boolean().notNull().default(false),
    /** The subscription ID at the provider. */
    external_reference: text().notNull(),
    ...createdUpdatedAt,
  },
  (t) => [
    unique("subscription_reference_taken").on(t.external_reference),
    uniqueIndex("subscription_one_live_per_user").on(t.user_id).where(inList(t.status, liveStatuses)),
    index("subscriptions_of_user").on(t.user_id, t.id),
    check("subscription_status_known", inList(t.status, subscriptionStatuses)),
    check("subscription_period_ends_after_start", sql`${t.current_period_end} > ${t.current_period_start}`),
  ],
);

/** A user's points balance. It always equals the sum of their `points_transactions`. */
export const userPoints = pgTable(
  "user_points",
  {
    user_id: owner().primaryKey(),
    total_points: integer().notNull(),
    updated_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [check("points_not_negative", sql`${t.total_points} >= 0`)],
);

/** The points ledger. A trigger makes it append-only. The rows are deleted with the user. */
export const pointsTransactions = pgTable(
  "points_transactions",
  {
    id: identityId(),
    user_id: owner().notNull(),
    kind: text({ enum: pointKinds }).notNull(),
    /** Positive for received points, negative for spent points. */
    points: integer().notNull(),
    reason: text().notNull(),
    /** The cause of the transaction. Each reference counts once per user. */
    reference: text().notNull(),
    created_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    unique("points_counted_once").on(t.user_id, t.reference),
    check("points_kind_known", inList(t.kind, pointKinds)),
    check(
      "points_agree_with_kind",
      sql`case ${t.kind} when 'spent' then ${t.points} < 0 when 'refund' then ${t.points} <> 0 else ${t.points} > 0 end`,
    ),
    check("points_reference_given", sql`${t.reference} <> ''`),
  ],
);

/** Grants of single spirits. A revocation sets `revoked_at` and keeps the row, so a used trial cannot be repeated. */
export const userSpiritAccess = pgTable(
  "user_spirit_access",
  {
    user_id: owner().notNull(),
    spirit_id: integer()
      .notNull()
      .references(() => spirits.id),
    source: text({ enum: grantSources }).notNull(),
    /** The purchase, the plan of an admin grant, … */
    reference: text().notNull(),
    granted_at: timestamptz().notNull().defaultNow(),
    /** Null: does not expire. */
    expires_at: timestamptz(),
    revoked_at: timestamptz(),
  },
  (t) => [
    primaryKey({ name: "access_granted_once", columns: [t.user_id, t.spirit_id, t.source, t.reference] }),
    check("access_source_known", inList(t.source, grantSources)),
    check("access_reference_given", sql`${t.reference} <> ''`),
    check("access_expires_after_granted", sql`${t.expires_at} > ${t.granted_at}`),
    check("access_revoked_after_granted", sql`${t.revoked_at} >= ${t.granted_at}`),
  ],
);

/** Whether a subscription is active. The start is not checked, because the provider's clock may be ahead of ours. */
export const isActiveSubscription = sql`${inList(subscriptions.status, liveStatuses)} and ${subscriptions.current_period_end} > now()`;

/**
 * The plan of every user: the plan of the active subscription, else the Free Plan. This is a subquery and not a view, because a view
 * that other views use cannot be changed alone.
 */
export const activePlans = sql`(
    select ${users.id} as user_id, coalesce(${subscriptions.plan_id}, free.id) as plan_id, ${subscriptions.id} as subscription_id,
      coalesce(${subscriptions.created_at}, ${users.created_at}) as since, ${subscriptions.current_period_end} as until
    from ${users}
    left join ${subscriptions} on ${subscriptions.user_id} = ${users.id} and ${isActiveSubscription}
    cross join (
      select ${plans.id} from ${plans} where ${plans.price_cents} = 0 and ${plans.is_active} order by ${plans.id} limit 1
    ) free
  ) held`;

/**
 * The spirits that each user can use. Each source of access is a row, so a spirit can occur more than once.
 * A query for one user starts every part of the union at an index on that user.
 */
export const spiritAccess = pgView("spirit_access", {
  user_id: integer().notNull(),
  spirit_id: integer().notNull(),
  access_type: text({ enum: accessTypes }).notNull(),
  source: text({ enum: accessSources }).notNull(),
  granted_at: timestamptz().notNull(),
  expires_at: timestamptz(),
}).as(sql`
  select ${users.id} as user_id, ${spirits.id} as spirit_id, 'free' as access_type, 'free_tier' as source,
    ${users.created_at} as granted_at, null::timestamptz as expires_at
  from ${users} cross join ${spirits}
  where ${spirits.tier} = 'free' and ${spirits.is_active}
  union all
  select held.user_id, ${spirits.id},
    case when held.subscription_id is null then 'free' else 'subscription' end,
    case when held.subscription_id is null then 'free_plan' else 'plan' end,
    held.since, held.until
  from ${activePlans}
  join ${planSpirits} on ${planSpirits.plan_id} = held.plan_id
  join ${spirits} on ${spirits.id} = ${planSpirits.spirit_id}
  where ${spirits.tier} <> 'free' and ${spirits.is_active}
  union all
  select ${userSpiritAccess.user_id}, ${userSpiritAccess.spirit_id}, 'grant', ${userSpiritAccess.source},
    ${userSpiritAccess.granted_at}, ${userSpiritAccess.expires_at}
  from ${userSpiritAccess}
  join ${spirits} on ${spirits.id} = ${userSpiritAccess.spirit_id}
  where ${userSpiritAccess.revoked_at} is null and ${spirits.is_active}
    and (${userSpiritAccess.expires_at} is null or ${userSpiritAccess.expires_at} > now())`);
