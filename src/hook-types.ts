import type { SQL } from "drizzle-orm";
import type { Statement } from "./kit/db/commit.ts";

/** Gained experience, by source. */
export type ExperienceGained = { training: number; usage: number };

/** The level of an amount of experience. */
export type Level = { level: number; rank: string; rank_level: number; xp_to_next_level: number };

/** Where a message was found. */
export type FoundMessage = {
  conversation_id: number;
  minion_id: number;
  /** Whether nothing of it may be kept. */ temporary: boolean;
};

/** Hooks that a feature offers to the features before it, which do not import it. `Ctx` is the context of the event. */
export type FeatureHooks<Ctx> = {
  /** Statements for the commit that creates a user. */
  onUserCreated?(ctx: Ctx, userId: number): Statement[];
  /** An SQL expression for the subscription status of a user, as text. */
  subscriptionStatus?(userId: SQL): SQL<string>;
  /** A query of `minion_id` and `user_id` of the minion with this token hash. */
  minionByToken?(tokenHash: string): SQL;
  /** A query that deletes the tokens of all minions of a user, and returns their `token_hash`. */
  deleteMinionTokens?(userId: number): SQL;
  /** An SQL expression for the total experience of the minions that use a model. */
  modelExperience?(modelId: SQL): SQL<ExperienceGained>;
  levelForExperience?(xp: number): Level;
  /** Runs after the reply: closes the sockets of these devices (`session:12`, `key:3`), or of all devices of a user. */
  onDevicesRevoked?(ctx: Ctx, userId: number, devices: readonly string[] | "all"): void;
  /** A data-modifying query in the statement that permanently deletes minions. `gone` is a query of their IDs. */
  onMinionsDeleted?(ctx: Ctx, gone: SQL): SQL;
  /** Whether a user owns a resource such as `conversation:5`, and may open its socket; undefined for a resource of another feature. */
  ownsResource?(ctx: Ctx, userId: number, resource: string): Promise<boolean> | undefined;
  /** A message of a user's conversation; undefined if there is none with this ID. */
  findMessage?(ctx: Ctx, userId: number, messageId: number): Promise<FoundMessage | undefined>;
  /** Statements for the commit that changes the rows of a dataset. */
  onDatasetChanged?(ctx: Ctx, datasetId: number, userId: number): Statement[];
  /** Queries of all data of a user, by their names in the export. */
  exportUser?(ctx: Ctx, userId: number): Record<string, Statement>;
  /** Deletes the data of a user outside Postgres, and returns the statements for Postgres, except deleting the user. It can run twice. */
  eraseUser?(ctx: Ctx, userId: number): Promise<Statement[]>;
};

type Required<Ctx> = { [Hook in keyof Omit<FeatureHooks<Ctx>, "onMinionsDeleted">]-?: NonNullable<FeatureHooks<Ctx>[Hook]> } & {
  /** The queries of all features that have this hook. */
  onMinionsDeleted(ctx: Ctx, gone: SQL): SQL[];
};

/**
 * Composes the hooks of all features. A hook with one result returns the first result.
 * @param alone the hooks that only one feature offers
 */
export function composeHooks<Ctx>(
  features: readonly FeatureHooks<Ctx>[],
  alone: Pick<
    Required<Ctx>,
    "subscriptionStatus" | "minionByToken" | "deleteMinionTokens" | "modelExperience" | "levelForExperience" | "findMessage"
  >,
): Required<Ctx> {
  return {
    ...alone,
    onUserCreated: (ctx, userId) => features.flatMap((feature) => feature.onUserCreated?.(ctx, userId) ?? []),
    onDatasetChanged: (ctx, datasetId, userId) =>
      features.flatMap((feature) => feature.onDatasetChanged?.(ctx, datasetId, userId) ?? []),
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
      // A feature depends on those before it, so the last feature is erased first.
      const statements: Statement[] = [];
      for (const feature of features.toReversed()) statements.push(...((await feature.eraseUser?.(ctx, userId)) ?? []));
      return statements;
    },
  };
}
