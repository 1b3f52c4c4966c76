import { constraintErrors } from "../../../src/errors.ts";
import { startNeonBridge } from "../../../dev/postgres/bridge/neon-bridge.ts";
import type { Actor, Ctx } from "../../../src/context.ts";
import { openDatabase } from "../../../src/kit/db/client.ts";
import { RoundTripCounter } from "../../../src/kit/server-timing.ts";
import { openTestDatabase, type TestDatabase } from "../../support/api.ts";

/** Days from now, as Postgres reads them. */
export const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

let made = 0;

/** Makes a user, who has nothing yet. */
export async function newUser(database: TestDatabase, roles: readonly string[] = ["user"]): Promise<number> {
  const [row] = await database.sql("insert into users (email, name, roles) values ($1, 'Somebody', $2) returning id", [
    `somebody-${++made}@example.com`,
    roles,
  ]);
  return row!["id"] as number;
}

/** Subscribes a user, from a month ago to `days` from now. */
export async function subscribe(
  database: TestDatabase,
  userId: number,
  { plan = 2, status = "active", days = 1, cancelling = false } = {},
): Promise<void> {
  await database.sql(
    `insert into user_spirit_subscriptions
       (user_id, plan_id, status, current_period_start, current_period_end, cancel_at_period_end, external_reference)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [userId, plan, status, inDays(-30), inDays(days), cancelling, `sub_${++made}`],
  );
}

export type Billing = {
  database: TestDatabase;
  /** What a service is given when this actor calls. */
  as(actor: Actor): Ctx;
  /** Postgres round trips that services made so far. */
  roundTrips(): number;
  close(): Promise<void>;
};

/** The services in this process, on a database of their own. */
export async function openBilling(): Promise<Billing> {
  const database = await openTestDatabase();
  const bridge = await startNeonBridge({ databaseUrl: database.url });
  const meter = new RoundTripCounter();
  const db = openDatabase("postgres://test:test@localhost/test", bridge.url, meter);
  const client = { ip: "192.0.2.7", location: null, userAgent: null };
  return {
    database,
    as: (actor) => ({ db, roundTrips: meter, actor, client, requestId: "request-1", constraintErrors }) as Ctx,
    roundTrips: bridge.roundTrips,
    async close() {
      await bridge.close();
      await database.close();
    },
  };
}

export const system: Actor = { kind: "system", job: "test" };

/** A signed-in user with these permissions. */
export function person(userId: number, ...permissions: string[]): Actor {
  return { kind: "user", userId, sessionId: 1, roles: [], permissions };
}
