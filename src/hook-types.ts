import type { SQL } from "drizzle-orm";
import type { Statement } from "./kit/db/commit.ts";

/** Experience that was gained, by what it was gained for. */
export type ExperienceGained = { training: number; usage: number };

/** What experience amounts to. */
export type Level = { level: number; rank: string; rank_level: number; xp_to_next_level: number };

/** What a feature offers to those before it, which need not know of it. `Ctx` is the context of the event. */
export type FeatureHooks<Ctx> = {
  /** Statements for the commit that makes a user. */
  onUserCreated?(ctx: Ctx, userId: number): Statement[];
  /** An expression for the state of a user's subscription, as text. */
  subscriptionStatus?(userId: SQL): SQL<string>;
  /** A query of `minion_id` and `user_id` for the minion that a token reaches, by the token's hash. */
  minionByToken?(tokenHash: string): SQL;
  /** An expression for what the minions on a model have gained together. */
  modelExperience?(modelId: SQL): SQL<ExperienceGained>;
  levelForExperience?(xp: number): Level;
  /** Behind the reply: these devices (`session:12`, `key:3`), or all of a user's, may no longer listen. */
  onDevicesRevoked?(ctx: Ctx, userId: number, devices: readonly string[] | "all"): void;
  /** A query that writes, as part of the statement that destroys minions for good; `gone` is a query of their numbers. */
  onMinionsDeleted?(ctx: Ctx, gone: SQL): SQL;
  /** Whether a user owns `conversation:5`, and may listen to it; undefined for a resource that is not the feature's. */
  ownsResource?(ctx: Ctx, userId: number, resource: string): Promise<boolean> | undefined;
  /** Queries of all that is held of a user, by the names under which they are given it. */
  exportUser?(ctx: Ctx, userId: number): Record<string, Statement>;
  /** Destroys what is held of a user outside Postgres, and tells what to do in it beside deleting the user. May run twice. */
  eraseUser?(ctx: Ctx, userId: number): Promise<Statement[]>;
};

type Required<Ctx> = { [Hook in keyof Omit<FeatureHooks<Ctx>, "onMinionsDeleted">]-?: NonNullable<FeatureHooks<Ctx>[Hook]> } & {
  /** As a feature's, of each that has one. */
  onMinionsDeleted(ctx: Ctx, gone: SQL): SQL[];
};

/**
 * What features offer, as one: told to all, asked of all, and where one answer is wanted, of the first that has it.
 * @param alone what a single feature offers
 */
export function composeHooks<Ctx>(
  features: readonly FeatureHooks<Ctx>[],
  alone: Pick<Required<Ctx>, "subscriptionStatus" | "minionByToken" | "modelExperience" | "levelForExperience">,
): Required<Ctx> {
  return {
    ...alone,
    onUserCreated: (ctx, userId) => features.flatMap((feature) => feature.onUserCreated?.(ctx, userId) ?? []),
    onDevicesRevoked: (ctx, userId, devices) => features.forEach((feature) => feature.onDevicesRevoked?.(ctx, userId, devices)),
    onMinionsDeleted: (ctx, gone) => features.flatMap((feature) => feature.onMinionsDeleted?.(ctx, gone) ?? []),
    ownsResource: (ctx, userId, resource) => {
      for (const feature of features) {
        const answer = feature.ownsResource?.(ctx, userId, resource);
        if (answer !== undefined) return answer;
      }
      return undefined;
    },
    exportUser: (ctx, userId) => Object.assign({}, ...features.map((feature) => feature.exportUser?.(ctx, userId) ?? {})),
    eraseUser: async (ctx, userId) => {
      // The last feature stands on those before it, and goes first.
      const statements: Statement[] = [];
      for (const feature of features.toReversed()) statements.push(...((await feature.eraseUser?.(ctx, userId)) ?? []));
      return statements;
    },
  };
}
