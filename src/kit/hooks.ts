import type { SQL } from "drizzle-orm";
import type { Statement } from "./db.ts";

/** What a feature offers to those before it, which need not know of it. `Ctx` is the context of the event. */
export type FeatureHooks<Ctx> = {
  /** Statements for the commit that makes a user. */
  onUserCreated?(ctx: Ctx, userId: number): Statement[];
  /** An expression for the state of a user's subscription, as text. */
  subscriptionStatus?(userId: SQL): SQL<string>;
};
